//! Opening the user's browser, in a process of its own that cannot hold us up, take our terminal or die with us.

use std::env;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use webbrowser::{Browser, BrowserOptions};

use crate::surroundings::Surroundings;

/// The argument by which this program starts itself to open a browser.
pub const OPENER: &str = "__open-browser";

/// Longest URL that the opener reads, in bytes.
const MAX_URL_BYTES: u64 = 64 * 1024;

/// How long the desktop may take to tell its default browser.
const LOOK_LIMIT: Duration = Duration::from_secs(3);

/// What the user said about the browser.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Not to open one, and why.
    pub none: Option<Skip>,
    /// To open this one: a command, in which `%s` stands for the URL.
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

/// Decides whether to open a browser. One that the user names is always opened.
pub fn skip(wish: &Wish, around: &Surroundings) -> Option<Skip> {
    let named = wish.command.is_some() || env::var_os("BROWSER").is_some_and(|it| !it.is_empty());
    match () {
        () if wish.none.is_some() => wish.none,
        () if named => None,
        () if around.ci => Some(Skip::Ci),
        () if around.ssh.is_some() => Some(Skip::Ssh),
        () if around.display || around.wsl => None,
        () if around.container => Some(Skip::Container),
        () => Some(Skip::NoDisplay),
    }
}

/// Returns the browser that would be opened; none is.
///
/// # Errors
///
/// A sentence that tells why there is none.
pub fn candidate(wish: &Wish) -> Result<String, String> {
    let first_word = |command: &str| command.split_whitespace().next().unwrap_or_default().to_owned();
    if let Some(program) = wish.command.as_deref().map(first_word) {
        return if is_there(&program) { Ok(program) } else { Err(format!("there is no browser {program}")) };
    }
    let named = env::var("BROWSER").unwrap_or_default();
    let mut named = named.split(':').map(first_word).filter(|program| !program.is_empty());
    if let Some(program) = named.find(|program| is_there(program)) {
        return Ok(program);
    }
    match default_is_there() {
        Some(true) => Ok("the default browser".to_owned()),
        Some(false) => Err("no program here opens a browser".to_owned()),
        None => Err("the desktop does not tell in time which browser is the default".to_owned()),
    }
}

/// Tells whether there is a default browser; `None` if the desktop, which is asked for it, does not answer.
fn default_is_there() -> Option<bool> {
    let (sender, receiver) = mpsc::channel();
    let look = move || {
        let mut options = BrowserOptions::new();
        options.with_dry_run(true).with_suppress_output(true);
        let found = webbrowser::open_browser_with_options(Browser::Default, "http://127.0.0.1/", &options);
        // Nobody may be listening any more.
        let _ = sender.send(found.is_ok());
    };
    thread::Builder::new().name("browser".to_owned()).spawn(look).ok()?;
    receiver.recv_timeout(LOOK_LIMIT).ok()
}

/// Starts the browser and does not wait for it. Whether a window really opened cannot be known, so the URL is always
/// shown as well.
pub fn open(url: &str, wish: &Wish) {
    let (url, command) = (url.to_owned(), wish.command.clone());
    if let Some(program) = command.as_deref().and_then(|command| command.split_whitespace().next()) {
        if !is_there(program) {
            return log::warn!("there is no browser {program}; open the address yourself");
        }
    }
    let launch = move || match run_opener(&url, command.as_deref()) {
        Ok(true) => log::info!("the browser was told to open the address"),
        Ok(false) => log::warn!("no browser could be started; open the address yourself"),
        Err(err) => log::warn!("no browser could be started: {err}; open the address yourself"),
    };
    if let Err(err) = thread::Builder::new().name("browser".to_owned()).spawn(launch) {
        log::warn!("no browser could be started: {err}; open the address yourself");
    }
}

/// Tells whether a program exists: where its path says, or on the search path.
fn is_there(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).exists();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).exists())
}

fn run_opener(url: &str, browser: Option<&str>) -> std::io::Result<bool> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(OPENER).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(browser) = browser {
        command.env("BROWSER", browser);
    }
    let mut child = command.spawn()?;
    // The URL goes through a pipe: the list of processes is for everybody to read.
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(url.as_bytes())?;
    }
    Ok(child.wait()?.success())
}

/// Opens the browser for the URL on stdin: what this program does when it was started as [`OPENER`].
pub fn opener() -> ExitCode {
    // A session of its own: no key of our terminal reaches the browser, and a text browser finds no terminal to take.
    let _ = rustix::process::setsid();
    let mut url = String::new();
    if std::io::stdin().take(MAX_URL_BYTES).read_to_string(&mut url).is_err() {
        return ExitCode::FAILURE;
    }
    let mut options = BrowserOptions::new();
    options.with_suppress_output(true);
    match webbrowser::open_browser_with_options(Browser::Default, &url, &options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_when_no_browser_is_opened() {
        let ssh = crate::surroundings::Ssh { user: None, host: None, port: None };
        let desktop = Surroundings { display: true, ..Surroundings::default() };
        let check =
            |wish: &Wish, around: &Surroundings, expected| assert_eq!(skip(wish, around), expected, "{around:?}");
        if env::var_os("BROWSER").is_some() {
            return;
        }
        let none = Wish::default();
        check(&none, &desktop, None);
        check(&Wish { none: Some(Skip::Asked), ..Wish::default() }, &desktop, Some(Skip::Asked));
        check(&none, &Surroundings::default(), Some(Skip::NoDisplay));
        check(&none, &Surroundings { wsl: true, ..Surroundings::default() }, None);
        check(&none, &Surroundings { container: true, ..Surroundings::default() }, Some(Skip::Container));
        check(&none, &Surroundings { ci: true, ..desktop.clone() }, Some(Skip::Ci));
        let remote = Surroundings { ssh: Some(ssh), ..desktop };
        check(&none, &remote, Some(Skip::Ssh));
        check(&Wish { command: Some("firefox".into()), ..Wish::default() }, &remote, None);
    }
}
