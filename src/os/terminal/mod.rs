//! All that is printed. The rules of the interface:
//!
//! Talk goes to stderr, each line beginning with the program's name; only the product goes to stdout. Sentences begin
//! in lower case and end without a dot. What others say passes `oauth::text::printable` before it gets here, and every line
//! is checked once more on its way out: nothing but what `oauth::text::Readable` takes, on a terminal of UTF-8, and our own
//! colours reach a terminal. A terminal
//! or pipe that has gone away, or that takes nothing, changes nothing for the login.

mod clipboard;
mod links;
mod mode;
mod output;
pub mod paste;
pub mod qr;
pub mod question;
mod target;
mod text;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard};

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use console::{style, Term};
use log::{LevelFilter, Log, Metadata, Record};

use crate::failure::words;
use crate::os::environment::job;
use crate::os::poll::BorrowedFd;
use crate::os::sync::lock;
use output::{Output, OutputStream};
use text::unicode_is_shown;

pub use text::{guard, width, wrap};

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The indentation of the further lines of a sentence.
const INDENT: &str = "           ";

struct Screen {
    quiet: bool,
    countdown: Option<String>,
    stderr: Output,
}

static SCREEN: Mutex<Screen> = Mutex::new(Screen {
    quiet: false,
    countdown: None,
    stderr: Output::new(OutputStream::Stderr),
});

/// Stdout, once nothing waits for it any more.
static STDOUT: Mutex<Option<Output>> = Mutex::new(None);

fn screen() -> MutexGuard<'static, Screen> {
    lock(&SCREEN)
}

fn stdout() -> MutexGuard<'static, Option<Output>> {
    lock(&STDOUT)
}

/// From now on no message waits for its reader: for commands that have to end in time.
pub fn never_block_on_stderr() {
    screen().stderr.never_block();
}

/// From now on neither message nor result waits for its reader: for what has to obey signals and deadlines.
pub fn never_block_on_output() {
    never_block_on_stderr();
    let mut output = Output::new(OutputStream::Stdout);
    output.never_block();
    *stdout() = Some(output);
}

/// Returns the streams with unwritten text; call [`advance`] once one of them is ready.
pub fn pending() -> impl Iterator<Item = BorrowedFd<'static>> {
    let stdout = stdout().as_ref().and_then(Output::pending);
    screen().stderr.pending().into_iter().chain(stdout)
}

/// Writes the unwritten text, as far as the streams are ready.
pub fn advance() {
    screen().stderr.advance();
    stdout().iter_mut().for_each(Output::advance);
}

/// Writes the unwritten text to the end; a stream that accepts nothing is given up after a second.
///
/// # Errors
///
/// If some of the product was lost.
pub fn finish() -> io::Result<()> {
    // Both are given the same second.
    advance();
    let taken = stdout().as_mut().is_none_or(Output::finish);
    screen().stderr.finish();
    match taken {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::WriteZero,
            "nobody reads what is written",
        )),
    }
}

/// Sets how much is said (below zero: errors only; 1 and 2: more and more) and in which colours.
pub fn set_up(verbosity: i8, color: Color) {
    screen().quiet = verbosity < 0;
    // A console of Windows understands colours and the countdown from then on.
    let _ = Term::stderr().features().colors_supported();
    match color {
        Color::Auto if std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty()) => {
            set_colors(false);
        }
        Color::Auto => {}
        Color::Always => set_colors(true),
        Color::Never => set_colors(false),
    }
    let level = match verbosity {
        i8::MIN..=-1 => LevelFilter::Error,
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        2.. => LevelFilter::Debug,
    };
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(level);
    }
}

fn set_colors(enabled: bool) {
    console::set_colors_enabled(enabled);
    console::set_colors_enabled_stderr(enabled);
}

/// Returns how much is said, as [`set_up`] takes it.
pub fn verbosity() -> i8 {
    match log::max_level() {
        LevelFilter::Off | LevelFilter::Error => -1,
        LevelFilter::Warn => 0,
        LevelFilter::Info => 1,
        LevelFilter::Debug | LevelFilter::Trace => 2,
    }
}

/// Says a line to the person, unless they asked for quiet.
pub fn say(text: &str) {
    if !screen().quiet {
        line(None, text);
    }
}

/// Says a line even to who asked for quiet: the answer to something they did.
pub fn insist(text: &str) {
    line(None, text);
}

words! {
    /// What a line of the program is, written in front of it.
    Label {
        Error "error" "a failure";
        CausedBy "caused by" "why something failed";
        Hint "hint" "what to do next";
        Warning "warning" "what the user should know although the command goes on";
        Next "next" "the command that comes next";
    }
}

/// Says a labelled line, unless the person asked for quiet.
pub fn say_labelled(label: Label, text: &str) {
    if !screen().quiet {
        line(Some(label), text);
    }
}

/// Says a labelled line even to who asked for quiet: an error and what belongs to it.
pub fn insist_labelled(label: Label, text: &str) {
    line(Some(label), text);
}

/// Says a line of good news.
pub fn say_good(text: &str) {
    if !screen().quiet {
        let text = wrap(&guard(text), room(), INDENT);
        put(&format!("{} {}", name(), style(text).for_stderr().green()));
    }
}

/// Says a line without the program's name in front: an address or a command to be copied, alone on its line.
pub fn show(text: &str) {
    put(&guard(text));
}

/// Shows a web address alone on one line, as a link where the terminal knows links.
pub fn show_link(url: &str) {
    let url = guard(url);
    if is_terminal() && console::colors_enabled_stderr() && links::are_shown() {
        put(&format!("\u{1b}]8;;{url}\u{1b}\\{url}\u{1b}]8;;\u{1b}\\"));
    } else {
        put(&url);
    }
}

/// Puts text into the clipboard of the user's terminal, if that is known to take it. Returns whether it was sent.
pub fn copy(text: &str) -> bool {
    let is_taken = is_terminal() && clipboard::is_taken();
    if is_taken {
        let text = STANDARD.encode(text);
        screen().stderr.write(&format!("\u{1b}]52;c;{text}\u{7}"));
    }
    is_taken
}

fn line(label: Option<Label>, text: &str) {
    // The label is wrapped with the text, and styled afterwards.
    let plain = label.map_or(String::new(), |label| format!("{}: ", label.as_str()));
    // A command is copied as it is, and must not be broken.
    let is_command = label.is_some() && text.starts_with(concat!(env!("CARGO_PKG_NAME"), " "));
    let room = if is_command { usize::MAX } else { room() };
    let wrapped = wrap(&format!("{plain}{}", guard(text)), room, INDENT);
    let styled = label.map_or(String::new(), |label| {
        let word = style(label.as_str()).for_stderr();
        let word = match label {
            Label::Error => word.red().bold(),
            Label::Warning => word.yellow().bold(),
            Label::CausedBy | Label::Hint | Label::Next => word.cyan(),
        };
        format!("{word}: ")
    });
    put(&format!(
        "{} {styled}{}",
        name(),
        wrapped.strip_prefix(&plain).unwrap_or(&wrapped)
    ));
}

/// Returns how many characters fit behind the program's name on a line of the terminal; elsewhere lines have no end.
fn room() -> usize {
    if is_terminal() {
        usize::from(Term::stderr().size().1)
            .saturating_sub(INDENT.len() + 1)
            .max(20)
    } else {
        usize::MAX
    }
}

/// Returns how many columns the terminal has that stdout is; `None` elsewhere.
pub fn columns() -> Option<usize> {
    let size = Term::stdout().size_checked()?;
    io::stdout().is_terminal().then_some(usize::from(size.1))
}

fn name() -> String {
    style("mcp-login:").for_stderr().dim().to_string()
}

/// Writes one finished line to stderr, above the countdown.
fn put(text: &str) {
    let screen = &mut *screen();
    let erase = if screen.countdown.is_some() {
        "\r\u{1b}[K"
    } else {
        ""
    };
    let again = screen.countdown.as_deref().unwrap_or_default();
    // Nobody may be listening any more; the login goes on all the same.
    screen.stderr.write(&format!("{erase}{text}\n{again}"));
}

/// Shows what is being waited for on the last line of a terminal, or takes it away. Does nothing elsewhere, nor in the
/// background, where that line belongs to the shell, nor while the terminal takes nothing, as after Ctrl-S: who waits
/// for a browser must not wait for the terminal.
pub fn countdown(text: Option<&str>) {
    let screen = &mut *screen();
    if screen.quiet || !is_terminal() || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
    {
        return;
    }
    if job::is_in_foreground(io::stderr()) == Some(false) {
        screen.countdown = None;
        return;
    }
    let width = usize::from(Term::stderr().size().1).saturating_sub(1);
    let text = text.map(|text| guard(text).chars().take(width).collect::<String>());
    if text == screen.countdown {
        return;
    }
    if !screen.stderr.takes_output() {
        if text.is_none() {
            // The next line erases it, and it is not written again.
            screen.countdown = Some(String::new());
        }
        return;
    }
    screen.stderr.write(&format!(
        "\r\u{1b}[K{}",
        text.as_deref().unwrap_or_default()
    ));
    screen.countdown = text;
}

/// Tells whether stderr is a terminal.
pub fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// How a word of the product looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Good news.
    Good,
    /// Something to look at.
    Warning,
    /// Bad news.
    Bad,
}

/// Returns a word of the product in its colour, if stdout has colours.
pub fn mark(word: &str, look: Look) -> String {
    let word = style(word);
    match look {
        Look::Good => word.green(),
        Look::Warning => word.yellow().bold(),
        Look::Bad => word.red().bold(),
    }
    .to_string()
}

/// Writes one line of product to stdout.
///
/// # Errors
///
/// If stdout cannot be written to; for a login that is no failure, for a printed token it is. After [`never_block_on_output`] what
/// is not taken at once may still be lost later, which [`finish`] tells.
pub fn product(text: &str) -> io::Result<()> {
    if let Some(output) = &mut *self::stdout() {
        output.write(&format!("{text}\n"));
        let lost = output.take_loss();
        return if lost {
            Err(io::ErrorKind::BrokenPipe.into())
        } else {
            Ok(())
        };
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

struct Logger;

impl Log for Logger {
    /// Only our own lines are shown: other crates log what they send.
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.target().starts_with("mcp_login")
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        line(None, &record.args().to_string());
    }

    fn flush(&self) {}
}
