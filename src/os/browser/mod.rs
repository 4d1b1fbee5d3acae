//! Opens the user's browser in a process of its own, which cannot delay this one, take its terminal or end with it.

mod command;

use std::env;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use webbrowser::{Browser, BrowserOptions};

use crate::oauth::text::printable;
use crate::os::clock::Deadline;
use crate::os::environment::Environment;
use crate::os::process;
use crate::os::programs;
use crate::os::sync::{in_thread, start_thread};
use crate::warning::warn_user;

/// The argument by which this program starts itself to open a browser.
pub const OPENER: &str = "__open-browser";

/// Longest URL that the opener reads, in bytes.
const MAX_URL_BYTES: u64 = 64 * 1024;

/// How long the desktop may take to name its default browser.
const LOOK_LIMIT: Duration = Duration::from_secs(3);

/// How long a browser is watched after its start: one that cannot open anything ends by then, and says so by its status.
const START_LIMIT: Duration = Duration::from_secs(3);

/// Pause between two looks at a browser that was started.
const START_PAUSE: Duration = Duration::from_millis(20);

/// Programs that open the default browser, for desktops that do not name it.
const OPENERS: [&str; 2] = ["xdg-open", "wslview"];

/// Arguments of the opener: whether it may open the default browser if no named one works.
const WITH_DEFAULT: &str = "default";
const WITHOUT_DEFAULT: &str = "named";

/// The browser that the user wants.
#[derive(Clone, Debug, Default)]
pub struct BrowserChoice {
    /// None, and why.
    pub none: Option<Skip>,
    /// This command, in which `%s` stands for the URL.
    pub command: Option<String>,
}

/// Why no browser is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The user said so.
    Asked,
    /// The demo plays the user.
    Demo,
    /// A CI job: nobody is watching.
    Ci,
    /// A remote shell: a browser would open on the wrong machine.
    Ssh,
    /// A container without a display.
    Container,
    /// Nothing here can open windows.
    NoDisplay,
}

impl Skip {
    /// Returns the reason as part of a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Asked => "no browser is opened, as you asked",
            Self::Demo => "the demo agrees by itself",
            Self::Ci => "no browser is opened in a CI job",
            Self::Ssh => "no browser is opened in a remote shell",
            Self::Container => "no browser can be opened in this container",
            Self::NoDisplay => "no browser can be opened without a display",
        }
    }
}

/// Returns why no browser is opened, if none is. One that the user names is always opened.
pub fn skip(choice: &BrowserChoice, environment: &Environment) -> Option<Skip> {
    let is_named =
        choice.command.is_some() || env::var_os("BROWSER").is_some_and(|it| !it.is_empty());
    if choice.none.is_some() || is_named {
        return choice.none;
    }
    skip_default(environment)
}

/// Returns why the default browser is not opened, if it is not.
fn skip_default(environment: &Environment) -> Option<Skip> {
    if environment.ci {
        Some(Skip::Ci)
    } else if environment.ssh.is_some() {
        Some(Skip::Ssh)
    } else if environment.display || environment.wsl {
        None
    } else if environment.container {
        Some(Skip::Container)
    } else {
        Some(Skip::NoDisplay)
    }
}

/// Returns the browsers that the user names: the command of the option, else the list in `BROWSER`.
fn named(command: Option<&str>) -> Vec<Vec<String>> {
    match command {
        Some(command) => command::commands(command, false, &is_there),
        None => command::commands(&env::var("BROWSER").unwrap_or_default(), true, &is_there),
    }
}

/// Returns the browser that would be opened, and opens none.
///
/// # Errors
///
/// A sentence that says why there is none.
pub fn candidate(choice: &BrowserChoice) -> Result<String, String> {
    let named = named(choice.command.as_deref());
    let mut programs = named.iter().filter_map(|command| command.first());
    if let Some(program) = programs.clone().find(|program| is_there(program)) {
        return Ok(program.clone());
    }
    if let (Some(program), Some(_)) = (programs.next(), &choice.command) {
        return Err(format!("there is no browser {program}"));
    }
    match default_is_there() {
        Some(true) => Ok("the default browser".to_owned()),
        Some(false) => match OPENERS.into_iter().find(|opener| is_there(opener)) {
            Some(opener) => Ok(opener.to_owned()),
            None => Err("no program here opens a browser".to_owned()),
        },
        None => Err("the desktop did not answer which browser is the default (3 s)".to_owned()),
    }
}

/// Asks the desktop whether there is a default browser; `None` if it does not answer.
fn default_is_there() -> Option<bool> {
    let look = || {
        let mut options = BrowserOptions::new();
        options.with_dry_run(true).with_suppress_output(true);
        webbrowser::open_browser_with_options(Browser::Default, "http://127.0.0.1/", &options)
            .is_ok()
    };
    let found = in_thread("browser", look).ok()?;
    found.recv_timeout(LOOK_LIMIT).ok()
}

/// Starts the browser and does not wait for it. Whether a window really opened cannot be known, so the URL is always
/// shown as well. A browser that is not used is named, with the reason.
pub fn open(url: &str, choice: &BrowserChoice, environment: &Environment) {
    let may_default = choice.command.is_none() && skip_default(environment).is_none();
    let (watched, command) = (url.to_owned(), choice.command.clone());
    let launch = move || match run_opener(&watched, command.as_deref(), may_default) {
        Ok(true) => log::info!("the browser was told to open the address"),
        Ok(false) => warn_not_started(""),
        Err(err) => warn_not_started(&format!(": {err}")),
    };
    if start_thread("browser", launch).is_err() {
        // Without a thread nobody hears how it went.
        if let Err(err) = start_opener(url, choice.command.as_deref(), may_default, Stdio::null()) {
            warn_not_started(&format!(": {err}"));
        }
    }
}

fn warn_not_started(why: &str) {
    warn_user!(
        BrowserFailed,
        "no browser could be started{why}; open the address yourself"
    );
}

/// Returns the words of a command that a user wrote, as `--browser` splits it: quotes and backslashes as in a shell, and
/// nothing else of a shell; a path to a program that is there may hold spaces.
pub fn words(text: &str) -> Vec<String> {
    let mut commands = command::commands(text, false, &is_there);
    commands.pop().unwrap_or_default()
}

/// Tells whether a program exists: where its path says, or on the search path.
fn is_there(program: &str) -> bool {
    if cfg!(windows) {
        return process::found(program.as_ref()).is_ok();
    }
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    !program.is_empty()
        && env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Runs the opener, and repeats what it says about browsers that do not work.
fn run_opener(url: &str, browser: Option<&str>, may_default: bool) -> io::Result<bool> {
    let mut child = start_opener(url, browser, may_default, Stdio::piped())?;
    let mut said = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_URL_BYTES).read_to_string(&mut said)?;
    }
    said.lines()
        .for_each(|line| warn_user!(BrowserFailed, "{}", printable(line)));
    Ok(child.wait()?.success())
}

fn start_opener(
    url: &str,
    browser: Option<&str>,
    may_default: bool,
    stdout: Stdio,
) -> io::Result<Child> {
    let mut command = programs::again()?;
    command
        .arg(OPENER)
        .arg(if may_default {
            WITH_DEFAULT
        } else {
            WITHOUT_DEFAULT
        })
        .args(browser);
    process::without_console(&mut command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::null())
        .spawn()?;
    // The URL goes through a pipe: the list of processes is for everybody to read.
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(url.as_bytes())?;
    }
    Ok(child)
}

/// Opens the browser for the URL on stdin: what this program does when it was started as [`OPENER`]. Its stdout is read by
/// the process that started it.
pub fn opener() -> ExitCode {
    // A session of its own: no key of our terminal reaches the browser, and a text browser finds no terminal to take.
    process::leave_session();
    process::close_inherited();
    let mut url = String::new();
    if io::stdin()
        .take(MAX_URL_BYTES)
        .read_to_string(&mut url)
        .is_err()
    {
        return ExitCode::FAILURE;
    }
    let mut arguments = env::args().skip(2);
    let may_default = arguments.next().as_deref() == Some(WITH_DEFAULT);
    let named = named(arguments.next().as_deref());
    let is_open = named.iter().any(|command| is_started(command, &url))
        || (may_default && is_default_started(&url));
    if is_open {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Starts a browser that the user names, and says why if that does not work.
fn is_started(command: &[String], url: &str) -> bool {
    let Some(program) = command.first() else {
        return false;
    };
    let started = start(program, &command::arguments(command, url));
    if let Err(why) = &started {
        // The process that started this one may be gone.
        let _ = writeln!(io::stdout(), "{why}");
    }
    started.is_ok()
}

/// Starts a program and watches it for a moment.
fn start(program: &str, arguments: &[String]) -> Result<(), String> {
    let spawn = || {
        Command::new(process::found(program.as_ref())?)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    };
    let mut child = spawn().map_err(|err: io::Error| match err.kind() {
        ErrorKind::NotFound => format!("there is no browser {program}"),
        _ => format!("the browser {program} cannot be started: {err}"),
    })?;
    let deadline = Deadline::after(START_LIMIT);
    loop {
        match child.try_wait() {
            // That one ends with 1 whatever it does.
            Ok(Some(status)) if !status.success() && !program.ends_with("explorer.exe") => {
                let status = status.to_string().replace(':', "");
                return Err(format!("the browser {program} failed ({status})"));
            }
            Ok(Some(_)) | Err(_) => return Ok(()),
            Ok(None) if deadline.passed() => return Ok(()),
            Ok(None) => thread::sleep(START_PAUSE),
        }
    }
}

/// Opens the default browser.
fn is_default_started(url: &str) -> bool {
    // What was tried already is not tried again by what asks for the default.
    env::remove_var("BROWSER");
    let mut options = BrowserOptions::new();
    options.with_suppress_output(true);
    let is_open = webbrowser::open_browser_with_options(Browser::Default, url, &options).is_ok();
    is_open
        || OPENERS
            .iter()
            .any(|opener| is_there(opener) && start(opener, &[url.to_owned()]).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_when_no_browser_is_opened() {
        let ssh = crate::os::environment::Ssh {
            user: None,
            host: None,
            port: None,
        };
        let desktop = Environment {
            display: true,
            ..Environment::default()
        };
        let check = |choice: &BrowserChoice, environment: &Environment, expected| {
            assert_eq!(skip(choice, environment), expected, "{environment:?}")
        };
        if env::var_os("BROWSER").is_some() {
            return;
        }
        let none = BrowserChoice::default();
        check(&none, &desktop, None);
        check(
            &BrowserChoice {
                none: Some(Skip::Asked),
                ..BrowserChoice::default()
            },
            &desktop,
            Some(Skip::Asked),
        );
        check(&none, &Environment::default(), Some(Skip::NoDisplay));
        check(
            &none,
            &Environment {
                wsl: true,
                ..Environment::default()
            },
            None,
        );
        check(
            &none,
            &Environment {
                container: true,
                ..Environment::default()
            },
            Some(Skip::Container),
        );
        check(
            &none,
            &Environment {
                ci: true,
                ..desktop.clone()
            },
            Some(Skip::Ci),
        );
        let remote = Environment {
            ssh: Some(ssh),
            ..desktop
        };
        check(&none, &remote, Some(Skip::Ssh));
        check(
            &BrowserChoice {
                command: Some("firefox".into()),
                ..BrowserChoice::default()
            },
            &remote,
            None,
        );
    }
}
