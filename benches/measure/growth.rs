//! How the time grows with the number of logins, of configured servers and of logins at once.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{json, Map, Value};

use crate::login::{agree, with_browser};
use crate::peak;
use crate::runs::{ms, Runs};
use crate::start::home_with;
use crate::support::fake::{Fake, Reply};
use crate::support::program::Program;

const LOGINS: [usize; 4] = [1, 10, 100, 1_000];
const TURNS: usize = 15;
const AT_ONCE: [usize; 3] = [1, 8, 32];
const TURNS_AT_ONCE: usize = 3;
const SERVERS_OF_A_CLIENT: usize = 200;

/// How much longer each answer takes where many logins run at once.
const LINE: Duration = Duration::from_millis(100);

/// The configurations of fifteen clients, each with the keys that lead to its servers and the key of a URL.
const CONFIGURATIONS: [(&str, &[&str], &str); 15] = [
    (".claude.json", &["mcpServers"], "url"),
    (".gemini/settings.json", &["mcpServers"], "httpUrl"),
    (".config/opencode/opencode.json", &["mcp"], "url"),
    (".cursor/mcp.json", &["mcpServers"], "url"),
    (".config/Code/User/mcp.json", &["servers"], "url"),
    (
        ".codeium/windsurf/mcp_config.json",
        &["mcpServers"],
        "serverUrl",
    ),
    (
        ".config/Claude/claude_desktop_config.json",
        &["mcpServers"],
        "url",
    ),
    (".copilot/mcp-config.json", &["mcpServers"], "url"),
    (".config/zed/settings.json", &["context_servers"], "url"),
    (".mcporter/mcporter.json", &["mcpServers"], "baseUrl"),
    (".lmstudio/mcp.json", &["mcpServers"], "url"),
    (".qwen/settings.json", &["mcpServers"], "httpUrl"),
    (".config/kilo/kilo.json", &["mcp"], "url"),
    (".kimi-code/mcp.json", &["mcpServers"], "url"),
    (".factory/mcp.json", &["mcpServers"], "url"),
];

/// Prints the tables.
pub fn growth() {
    logins();
    configurations();
    at_once();
    memory();
}

/// Measures three commands in homes with more and more logins, in turns.
fn logins() {
    println!();
    println!("| logins stored | `token` | `status` | a login to another server |");
    println!("|---|---|---|---|");
    let fake = Fake::start();
    let homes = LOGINS.map(|count| home_with(count, &fake));
    let mut runs = LOGINS.map(|_| [Runs::new(), Runs::new(), Runs::new()]);
    for _ in 0..TURNS {
        for (home, [token, status, login]) in homes.iter().zip(&mut runs) {
            token.time(|| home.at("token", &fake).run().expect(0));
            status.time(|| home.command("status", &[]).run().expect(0));
            let other =
                Fake::with(|seen, _| seen.path.contains("revo").then(|| Reply::status(200)));
            login.time(|| agree(Program::login(&other).at_home(home.path())));
            // What it stored goes, so that each turn begins alike.
            home.command("logout", &[&other.mcp()]).run().expect(0);
        }
    }
    let [first, ..] = &runs;
    for (count, runs) in LOGINS.iter().zip(&runs) {
        let cells = runs
            .iter()
            .zip(first)
            .map(|(runs, first)| format!("{} ({:.2})", ms(runs.median()), runs.over(first)));
        println!("| {count} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    println!("In parentheses: the ratio to one login, in turns.");
}

/// Measures the same commands beside many configured servers, in turns with a home that has none.
fn configurations() {
    println!();
    let count = CONFIGURATIONS.len();
    println!("| configurations of clients | `token` | `status` | `token NAME` |");
    println!("|---|---|---|---|");
    let fake = Fake::start();
    let homes = [0, 1, SERVERS_OF_A_CLIENT].map(|servers| {
        let home = home_with(1, &fake);
        configure(home.path(), servers, &fake.mcp());
        (servers, home)
    });
    let mut runs = homes
        .each_ref()
        .map(|_| [Runs::new(), Runs::new(), Runs::new()]);
    for _ in 0..TURNS {
        for ((servers, home), [token, status, named]) in homes.iter().zip(&mut runs) {
            token.time(|| home.at("token", &fake).run().expect(0));
            status.time(|| home.command("status", &[]).run().expect(0));
            if *servers > 0 {
                named.time(|| home.command("token", &["known"]).run().expect(0));
            }
        }
    }
    for ((servers, _), [token, status, named]) in homes.iter().zip(&runs) {
        let (token, status) = (ms(token.median()), ms(status.median()));
        match servers {
            0 => println!("| none | {token} | {status} | |"),
            _ => println!(
                "| {count} of {servers} servers each | {token} | {status} | {} |",
                ms(named.median())
            ),
        }
    }
}

/// Writes the configurations of all clients, with this many servers each; the last of each is the known one.
fn configure(home: &Path, servers: usize, known: &str) {
    if servers == 0 {
        return;
    }
    for (file, keys, url) in CONFIGURATIONS {
        let entries: Map<String, Value> = (1..=servers)
            .map(|number| match number == servers {
                true => ("known".to_owned(), json!({url: known, "type": "http"})),
                false => {
                    let server = format!("https://mcp-{number}.example/mcp");
                    (
                        format!("server-{number}"),
                        json!({url: server, "type": "http"}),
                    )
                }
            })
            .collect();
        let nested = keys.iter().rev();
        let text = nested.fold(Value::Object(entries), |inner, key| json!({*key: inner}));
        let file = home.join(file);
        fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
        fs::write(file, text.to_string()).expect("a configuration");
    }
}

/// Logs in to many servers at once, each of whose answers takes longer, as over a long line.
fn at_once() {
    println!();
    println!(
        "| logins at once, {} ms added to each answer | all of them | processor time of each |",
        LINE.as_millis()
    );
    println!("|---|---|---|");
    for count in AT_ONCE {
        let mut runs = Runs::new();
        for _ in 0..TURNS_AT_ONCE {
            let fakes: Vec<_> = (0..count).map(|_| slow()).collect();
            let (first, others) = fakes.split_first().expect("a server");
            let program = with_browser(first).args(others.iter().map(Fake::mcp));
            runs.time(|| program.run().expect(0));
        }
        let cpu = runs.cpu() / u32::try_from(count).expect("few logins");
        println!("| {count} | {} | {} |", ms(runs.median()), ms(cpu));
    }
    println!("The processor time includes that of the browsers, which are this bench.");
}

fn slow() -> Fake {
    Fake::with(|seen, fake| Some(Reply::Slow(LINE, Box::new(fake.behave(seen)))))
}

/// Prints the peak memory of single runs.
fn memory() {
    println!();
    println!("| peak memory of a run | |");
    println!("|---|---|");
    if !peak::is_measurable() {
        return;
    }
    let fake = Fake::start();
    let home = home_with(1, &fake);
    let token = home.at("token", &fake);
    let token = peak::of(token, |program| drop(program.run().expect(0)));
    println!("| `token` | {token:.1} MiB |");
    let login = peak::of(Program::login(&fake), |program| drop(agree(program)));
    println!("| first login | {login:.1} MiB |");
}
