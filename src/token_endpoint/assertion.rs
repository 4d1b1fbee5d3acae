//! The JWT that a platform gives to this workload: read anew for each request, and looked at before it is sent.

use std::env;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use crate::failure::{About, Class, Code, Failure, Hint};
use crate::http::{Http, HttpError, HttpSettings};
use crate::oauth::endpoint;
use crate::oauth::grant::{Assertion, AssertionSource, Jwt};
use crate::oauth::metadata::same_issuer;
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token_endpoint::may_be_a_token;
use crate::os::clock::{Deadline, Time};
use crate::os::command::{self, CommandError};
use crate::os::files;
use crate::store::Credentials;
use crate::warning::warn_user;

/// Longest assertion, in bytes.
const MAX_BYTES: u64 = 16 * 1024;

const TOO_LONG: &str = "it is larger than 16 KiB";

/// Longest time for the command or the platform.
const LIMIT: Duration = Duration::from_secs(8);

/// The variables in which a job of GitHub Actions finds where to ask for its token, and the token to ask with.
const GITHUB_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const GITHUB_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// How the audience of a token for the API server of a Kubernetes cluster begins.
const CLUSTER: &str = "https://kubernetes.default.svc";

/// Why there is no assertion.
#[derive(Debug, thiserror::Error)]
pub enum AssertionError {
    /// It cannot be read.
    #[error("cannot read the assertion from {from}: {why}")]
    Unreadable {
        /// Where it should come from.
        from: String,
        /// What is wrong.
        why: String,
        /// It may be there later.
        is_temporary: bool,
        /// What to do about one that does not come by waiting.
        advice: &'static str,
    },
    /// It has expired.
    #[error("the assertion from {from} expired at {}; the clock of this computer says {}", at.rfc3339(), Time::now().rfc3339())]
    Expired {
        /// Where it comes from.
        from: String,
        /// When.
        at: Time,
    },
    /// It is one that this authorization server must not see, or for something else.
    #[error("the assertion from {from} {why}")]
    Unsuitable {
        /// Where it comes from.
        from: String,
        /// What is wrong, as the rest of the sentence.
        why: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The platform cannot be asked.
    #[error("cannot ask the platform for the assertion")]
    Http(#[from] HttpError),
}

impl AssertionError {
    fn unreadable(
        (from, advice): (&str, &'static str),
        why: impl Into<String>,
        is_temporary: bool,
    ) -> Self {
        Self::Unreadable {
            from: from.to_owned(),
            why: why.into(),
            is_temporary,
            advice,
        }
    }
}

impl Failure for AssertionError {
    fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => Code::AssertionUnreadable,
            Self::Expired { .. } => Code::AssertionExpired,
            Self::Unsuitable { .. } => Code::AssertionUnsuitable,
            Self::Http(err) => err.code(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Unreadable {
                is_temporary: true, ..
            } => Class::Unavailable,
            _ => self.code().class(),
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        Some(Hint::from(match self {
            Self::Unreadable {
                is_temporary: true, ..
            } => "run the command again in a while",
            Self::Unreadable { advice, .. } => advice,
            Self::Expired { .. } => "let the platform issue another one, for example by a new job",
            Self::Unsuitable { hint, .. } => hint,
            Self::Http(err) => return err.hint(about),
        }))
    }
}

/// Returns the assertion for a login, if it has not expired. `http` is for the servers of the login; the platform is asked
/// by a request of its own.
///
/// # Errors
///
/// An [`AssertionError`].
pub fn read(
    assertion: &Assertion,
    login: &Credentials,
    settings: &HttpSettings,
) -> Result<Secret, AssertionError> {
    let (from, advice) = name(&assertion.source);
    let from = (from.as_str(), advice);
    let failed = |why: String, is_temporary| AssertionError::unreadable(from, why, is_temporary);
    let text = match &assertion.source {
        AssertionSource::File(path) => read_file(path).map_err(|why| failed(why, false))?,
        AssertionSource::Env(name) => env::var(name)
            .map(Zeroizing::new)
            .map_err(|_| failed("it is not set".to_owned(), false))?,
        AssertionSource::Command(line) => {
            read_command(line).map_err(|(why, is_temporary)| failed(why, is_temporary))?
        }
        AssertionSource::GithubActions => {
            let audience = assertion.audience.as_deref().unwrap_or(&login.issuer);
            let (url, token) = github(audience).map_err(|why| failed(why, false))?;
            ask_github(&url, &token, settings)?.map_err(|why| failed(why, true))?
        }
    };
    let (token, jwt) = checked(&text, from)?;
    let audiences = jwt.audiences();
    let is_for_server = |aud: &&str| {
        same_issuer(&login.issuer, aud)
            || **aud == *login.token_endpoint
            || assertion.audience.as_deref() == Some(*aud)
    };
    if !audiences.iter().any(is_for_server) {
        let named = printable(&audiences.join(", "));
        if audiences.iter().any(|aud| aud.starts_with(CLUSTER)) {
            let why = format!("is for {named}, the API server of its cluster");
            let hint = "let it be issued for this authorization server, as `audience` of serviceAccountToken says";
            let from = from.0.to_owned();
            return Err(AssertionError::Unsuitable { from, why, hint });
        }
        let named = match named.as_str() {
            "" => "names no audience".to_owned(),
            named => format!("is for {named:?}"),
        };
        warn_user!(
            AssertionAudience,
            "the assertion {named}, not for {}",
            printable(&login.issuer)
        );
    }
    Ok(token)
}

/// Returns the ID token of a file, if it has not expired.
///
/// # Errors
///
/// An [`AssertionError`].
pub fn read_id_token(path: &Path) -> Result<Secret, AssertionError> {
    let from = path.display().to_string();
    let from = (
        from.as_str(),
        "--id-token-file names the file of the ID token",
    );
    let text = read_file(path).map_err(|why| AssertionError::unreadable(from, why, false))?;
    Ok(checked(&text, from)?.0)
}

/// Checks that a text is a JWT that has not expired.
fn checked(text: &str, from: (&str, &'static str)) -> Result<(Secret, Jwt), AssertionError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let is_long = text.len() as u64 > MAX_BYTES;
    let jwt = match Jwt::read(text) {
        Some(jwt) if !is_long => jwt,
        _ => {
            let why = match text {
                "" => "it is empty".to_owned(),
                _ if is_long => TOO_LONG.to_owned(),
                _ => "it is not a JSON Web Token".to_owned(),
            };
            return Err(AssertionError::unreadable(from, why, false));
        }
    };
    match jwt.expired_at(Time::now().unix_seconds()) {
        Some(at) => Err(AssertionError::Expired {
            from: from.0.to_owned(),
            at: Time::at(at),
        }),
        None => Ok((Secret::new(text), jwt)),
    }
}

/// Returns what a source is called, and what to do where it has no JWT.
fn name(source: &AssertionSource) -> (String, &'static str) {
    match source {
        AssertionSource::File(path) => (
            path.display().to_string(),
            "let the platform write the JWT there, such as by a projected volume of Kubernetes; --assertion-file names the file",
        ),
        AssertionSource::Env(name) => (
            format!("the variable {name}"),
            "let the platform set the variable for this job, such as by `id_tokens` of GitLab; --assertion-env names it",
        ),
        AssertionSource::Command(line) => {
            let words = command::words(line);
            let program = printable(words.first().map_or("", String::as_str));
            (
                format!("the command {program}"),
                "--assertion-command names the command that prints the JWT, which is run without a shell",
            )
        }
        AssertionSource::GithubActions => (
            "GitHub Actions".to_owned(),
            "add `permissions: id-token: write` to the job; a pull request from a fork cannot have it",
        ),
    }
}

/// Opens the file anew: a platform replaces it.
fn read_file(path: &Path) -> Result<Zeroizing<String>, String> {
    let file = files::open_regular(path).map_err(|err| err.to_string())?;
    let file = file.ok_or("there is no such file")?;
    let bytes = files::read_bounded(file, MAX_BYTES).map_err(|err| match err.kind() {
        io::ErrorKind::FileTooLarge => TOO_LONG.to_owned(),
        _ => err.to_string(),
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not text")?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Runs the command, and returns its first line; else why there is none, and whether it may come later.
fn read_command(line: &str) -> Result<Zeroizing<String>, (String, bool)> {
    let words = command::words(line);
    let output = command::run(
        &words,
        Zeroizing::default(),
        Deadline::after(LIMIT),
        MAX_BYTES,
    );
    let output = output.map_err(|err| match err {
        CommandError::NotFound => ("there is no such program".to_owned(), false),
        CommandError::NotRun(err) => (err.to_string(), false),
        CommandError::TimedOut => (format!("it did not end within {} s", LIMIT.as_secs()), true),
        CommandError::TooLong => ("it wrote more than 16 KiB".to_owned(), false),
    })?;
    if !output.status.success() {
        return Err((format!("{}{}", output.status, said(&output.stderr)), true));
    }
    let text =
        std::str::from_utf8(&output.stdout).map_err(|_| ("it is not text".to_owned(), false))?;
    let first = text.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(first.to_owned()))
}

/// Returns the first line that a command wrote to stderr, behind a colon, without words that may be a token.
fn said(stderr: &str) -> String {
    let first = stderr.lines().next().unwrap_or_default();
    let hidden = |word| if may_be_a_token(word) { "***" } else { word };
    let words: Vec<_> = first.split_whitespace().map(hidden).collect();
    match words.is_empty() {
        true => String::new(),
        false => format!(": {}", printable(&words.join(" "))),
    }
}

/// Returns where a job asks for its token with this audience, and what it asks with.
fn github(audience: &str) -> Result<(Url, Zeroizing<String>), String> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(url), Some(token)) = (variable(GITHUB_URL), variable(GITHUB_TOKEN)) else {
        return Err("the job may not ask for one".to_owned());
    };
    let unusable = format!("{GITHUB_URL} cannot be used");
    let mut url = endpoint::parse(&url).map_err(|_| unusable.clone())?;
    if url.scheme() != "https" && !endpoint::is_loopback(&url) {
        return Err(unusable);
    }
    url.query_pairs_mut().append_pair("audience", audience);
    Ok((url, Zeroizing::new(token)))
}

#[derive(Deserialize)]
struct GithubAnswer {
    value: Secret,
}

/// Asks for the token of a job; the inner error is for an answer without one.
fn ask_github(
    url: &Url,
    token: &str,
    settings: &HttpSettings,
) -> Result<Result<Zeroizing<String>, String>, HttpError> {
    let http = Http::new(settings, std::slice::from_ref(url), LIMIT);
    let bearer = Zeroizing::new(format!("bearer {token}"));
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Accept", "application/json"),
    ];
    let response = http.get(url, &headers)?;
    if response.status != 200 {
        let status = response.status;
        return Ok(Err(format!(
            "the platform refuses to issue one (status {status})"
        )));
    }
    let body = Zeroizing::new(response.read()?);
    let answer = serde_json::from_slice::<GithubAnswer>(&body);
    Ok(answer
        .map(|answer| Zeroizing::new(answer.value.expose().to_owned()))
        .map_err(|_| "the answer of the platform holds none".to_owned()))
}
