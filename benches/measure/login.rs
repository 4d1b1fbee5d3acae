//! A whole login.

use std::time::Duration;

use crate::runs::Runs;
use crate::support::fake::{Fake, Reply};
use crate::support::program::{Finished, Program};
use crate::support::visit;
use crate::BROWSER;

const LOGINS: usize = 30;
const SLOW_LOGINS: usize = 5;

/// A whole login with this bench as its browser: from the start of the process to its end.
pub fn login() {
    let mut homes = Vec::new();
    let mut own = Runs::new();
    for _ in 0..LOGINS {
        let fake = Fake::start();
        let home = own.time(|| agree(Program::login(&fake)));
        homes.push((fake, home));
    }
    own.row("first login, start to exit");
    let requests = homes.iter().map(|(fake, _)| {
        fake.seen()
            .iter()
            .filter(|seen| seen.path != "/authorize")
            .count()
    });
    println!(
        "| requests of a first login | {} | | | |",
        requests.max().expect("a run")
    );

    let mut second = Runs::new();
    for (fake, home) in &homes {
        second.time(|| agree(Program::login(fake).arg("--force").at_home(home.home())));
    }
    second.row("second login of a known server");

    let mut whole = Runs::new();
    for _ in 0..LOGINS {
        whole.time(|| with_browser(&Fake::start()).run().expect(0));
    }
    whole.row("first login, with a browser that has to be started");

    let mut demo = Runs::new();
    for _ in 0..LOGINS {
        demo.time(|| Program::new().args(["demo", "--auto"]).run().expect(0));
    }
    demo.row("demo: its servers, the login to them, the check");
}

/// Runs a login to which the person agrees at once.
pub fn agree(program: Program) -> Finished {
    let mut login = program.start();
    login.agree();
    login.finish().expect(0)
}

/// Prepares a login with this bench as the browser.
pub fn with_browser(fake: &Fake) -> Program {
    Program::new()
        .args(["--json", "--store", "file", "--timeout", "60s"])
        .env("BROWSER", browser())
        .arg(fake.mcp())
}

/// Returns the command by which this bench is a browser.
pub fn browser() -> String {
    format!(
        "{} {BROWSER} %s",
        std::env::current_exe().expect("a path").display()
    )
}

/// The time from the start to the authorization URL when each answer takes 100 ms longer.
pub fn slow_servers() {
    let (mut first, mut second) = (Runs::new(), Runs::new());
    for _ in 0..SLOW_LOGINS {
        let fake = Fake::with(|seen, fake| {
            Some(Reply::Slow(
                Duration::from_millis(100),
                Box::new(fake.behave(seen)),
            ))
        });
        let mut login = Program::login(&fake).start();
        let url = first.time(|| login.authorization_url());
        visit(&login.redirect(&url));
        let home = login.finish().expect(0);
        let mut login = Program::login(&fake)
            .arg("--force")
            .at_home(home.home())
            .start();
        second.time(|| login.authorization_url());
    }
    first.row("time to the URL, 100 ms added to each answer");
    second.row("the same, second login");
}
