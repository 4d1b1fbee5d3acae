//! What a login needs of the machine: a place to listen, a browser, a terminal, a clock.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::{Case, Finding, Severity, Topic};
use crate::callback::{try_loopback, BindError, Listener};
use crate::login::{cannot_listen, redirect_target};
use crate::os::browser::{self, Skip};
use crate::os::clock::{in_words, Time};
use crate::os::environment::Environment;
use crate::store::cache::Cache;
use crate::store::Credentials;

/// How far two clocks may be apart before it matters for tokens, in seconds.
const CLOCK_TOLERANCE: u64 = 60;

/// The years in which this program is run: from before its first version, 2025, to 2100.
const PLAUSIBLE: std::ops::Range<i64> = 1_735_689_600..4_102_444_800;

/// Says what kind of place this is.
pub fn environment(environment: &Environment) -> Finding {
    let kinds = [
        (environment.ssh.is_some(), "a remote shell (ssh)"),
        (environment.wsl, "Windows (WSL)"),
        (environment.container, "a container"),
        (environment.ci, "a CI job"),
    ];
    let kinds: Vec<_> = kinds
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, kind)| *kind)
        .collect();
    let display = if environment.display {
        "with a display"
    } else {
        "without a display"
    };
    let place = if kinds.is_empty() {
        "a computer".to_owned()
    } else {
        kinds.join(", ")
    };
    Finding::ok(Topic::Environment, format!("{place}, {display}"))
}

/// Says which browser would be opened, or why none.
pub fn browser(case: &Case) -> Finding {
    match browser::skip(&case.browser, &case.environment) {
        Some(skip @ (Skip::Asked | Skip::Demo)) => Finding::ok(Topic::Browser, skip.reason()),
        Some(skip) => {
            let forward = case
                .environment
                .ssh
                .is_some()
                .then_some("; a login says how your browser can come back here");
            let hint = format!(
                "open the address that a login prints in any browser{}",
                forward.unwrap_or_default()
            );
            Finding::warning(Topic::Browser, skip.reason(), Some(hint))
        }
        None => match browser::candidate(&case.browser) {
            Ok(name) => Finding::ok(Topic::Browser, format!("{name} is opened")),
            Err(why) => {
                let hint = "name one with --browser or BROWSER, or open the address that a login prints yourself";
                Finding::warning(Topic::Browser, why, Some(hint.to_owned()))
            }
        },
    }
}

/// Says whether the answer could be pasted.
pub fn terminal(case: &Case) -> Finding {
    match &case.paste {
        Some(paste) if paste.is_readable() => {
            Finding::ok(Topic::Terminal, "the answer can be pasted here")
        }
        Some(_) => {
            let what =
                "this runs in the background: nothing can be pasted until it is in the foreground";
            Finding::warning(Topic::Terminal, what, None)
        }
        None => {
            let hint = "run it in a terminal, or let --paste read the answer from a pipe";
            Finding::warning(
                Topic::Terminal,
                "the answer cannot be pasted here",
                Some(hint.to_owned()),
            )
        }
    }
}

/// Listens on both loopback addresses, and connects to itself.
pub fn loopback() -> Vec<Finding> {
    let addresses: [(IpAddr, &str); 2] = [
        (Ipv4Addr::LOCALHOST.into(), "127.0.0.1"),
        (Ipv6Addr::LOCALHOST.into(), "[::1]"),
    ];
    let finding = |(address, name): (IpAddr, &str)| match try_loopback(address) {
        Ok(()) => Finding::ok(
            Topic::Loopback,
            format!("{name} can be listened on and reached"),
        ),
        Err(None) => Finding::ok(
            Topic::Loopback,
            format!("this machine has no {name}, which a login can do without"),
        ),
        Err(Some(err)) => {
            let hint = "a firewall or sandbox may be in the way".to_owned();
            Finding::warning(
                Topic::Loopback,
                format!("{name} does not work: {err}"),
                Some(hint),
            )
        }
    };
    addresses.map(finding).into()
}

/// Binds the callback as a login does, and lets it go. Returns the redirect URI too.
pub fn callback(case: &Case, cache: &Cache, before: Option<&Credentials>) -> (Finding, String) {
    let target = redirect_target(case.request, cache, before);
    match Listener::bind(&target) {
        Ok(listener) => {
            let uri = listener.redirect_uri().to_owned();
            let port = url::Url::parse(&uri)
                .ok()
                .and_then(|url| url.port())
                .unwrap_or_default();
            let what = match target.ports.contains(&port) {
                true => uri.clone(),
                false => format!(
                    "{}, at any free port",
                    uri.replacen(&format!(":{port}/"), ":PORT/", 1)
                ),
            };
            (Finding::ok(Topic::Callback, what), uri)
        }
        Err(source) => {
            let is_taken = matches!(source, BindError::Taken { .. });
            let err = cannot_listen(&target, source);
            let finding = match case.paste {
                None => Finding::failure(Topic::Callback, &err),
                Some(_) => {
                    let what = format!("{}; the answer would have to be pasted", err.one_line());
                    let hint = err.report().hint.filter(|_| is_taken);
                    Finding {
                        hint,
                        ..Finding::bearable(Topic::Callback, &err, what)
                    }
                }
            };
            (finding, target.uri_without_socket())
        }
    }
}

/// Judges the clock: by the time that the server told, else by what can be at all.
pub fn clock(now: Time, server_ahead: Option<i64>) -> Finding {
    let told = now.rfc3339();
    let apart = server_ahead
        .map(i64::unsigned_abs)
        .filter(|seconds| *seconds > CLOCK_TOLERANCE);
    let what = match (server_ahead, apart) {
        (Some(ahead), Some(apart)) => {
            let side = if ahead > 0 { "behind" } else { "ahead of" };
            format!(
                "{told}: {} {side} the server's clock",
                in_words(Duration::from_secs(apart))
            )
        }
        _ if !PLAUSIBLE.contains(&now.0) => format!("{told}, which cannot be right"),
        (Some(_), None) => {
            return Finding::ok(Topic::Clock, format!("{told} (agrees with the server)"))
        }
        (None, _) => return Finding::ok(Topic::Clock, told),
    };
    let hint =
        "set the clock of this computer; certificates and tokens are judged by it".to_owned();
    Finding {
        state: Severity::Warning,
        hint: Some(hint.into()),
        ..Finding::ok(Topic::Clock, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_clock_can_say() {
        let now = Time(1_800_000_000);
        for (now, ahead, state, words) in [
            (now, None, Severity::Ok, "2027-01-15T08:00:00Z"),
            (now, Some(-60), Severity::Ok, "agrees with the server"),
            (
                now,
                Some(61),
                Severity::Warning,
                "1 min 1 s behind the server's",
            ),
            (
                now,
                Some(-7200),
                Severity::Warning,
                "2 h ahead of the server's",
            ),
            (
                Time(0),
                None,
                Severity::Warning,
                "1970-01-01T00:00:00Z, which cannot be right",
            ),
            (
                Time(4_200_000_000),
                Some(0),
                Severity::Warning,
                "cannot be right",
            ),
        ] {
            let finding = clock(now, ahead);
            assert!(
                finding.state == state && finding.what.contains(words),
                "{finding:?}"
            );
            assert_eq!(finding.hint.is_some(), state == Severity::Warning);
        }
    }

    #[test]
    fn every_kind_of_place_is_named() {
        let here = Environment {
            wsl: true,
            container: true,
            ci: true,
            ..Environment::default()
        };
        assert_eq!(
            environment(&here).what,
            "Windows (WSL), a container, a CI job, without a display"
        );
        let desktop = Environment {
            display: true,
            ..Environment::default()
        };
        assert_eq!(environment(&desktop).what, "a computer, with a display");
    }
}
