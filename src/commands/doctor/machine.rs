//! What a login needs of the machine: a place to listen, a browser, a terminal, a clock.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use url::Url;

use super::{Case, Finding};
use crate::callback::{try_loopback, BindError, Listener};
use crate::clients::config::ConfiguredServer;
use crate::clients::{ours, Places};
use crate::login::{cannot_listen, redirect_target};
use crate::oauth::text::{printable, quoted};
use crate::os::browser::{self, Skip};
use crate::os::clock::{in_words, Time};
use crate::os::environment::Environment;
use crate::os::terminal::paste::IN_BACKGROUND;
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
    let mut words: Vec<_> = kinds
        .into_iter()
        .filter_map(|(is_here, kind)| is_here.then_some(kind))
        .collect();
    if words.is_empty() {
        words.push("a computer");
    }
    words.push(match environment.display {
        true => "with a display",
        false => "without a display",
    });
    Finding::ok("environment", words.join(", "))
}

/// Says which browser a login would open, or why none.
pub fn browser(case: &Case) -> Finding {
    match browser::skip(&case.browser, &case.environment) {
        Some(skip @ (Skip::Asked | Skip::Demo)) => Finding::ok("browser", skip.reason()),
        Some(skip) => {
            let forward = match case.environment.ssh {
                Some(_) => "; a login says how your browser can come back here",
                None => "",
            };
            Finding::warning("browser", skip.reason()).with_hint(format!(
                "open the address that a login prints in any browser{forward}"
            ))
        }
        None => match browser::candidate(&case.browser) {
            Ok(name) => Finding::ok("browser", format!("{name} is opened")),
            Err(why) => Finding::warning("browser", why).with_hint(
                "name one with --browser or BROWSER, or open the address that a login prints yourself",
            ),
        },
    }
}

/// Says whether the answer could be pasted.
pub fn terminal(case: &Case) -> Finding {
    match &case.paste {
        Some(paste) if paste.is_readable() => {
            Finding::ok("terminal", "the answer can be pasted here")
        }
        Some(_) => Finding::warning("terminal", IN_BACKGROUND),
        None => Finding::warning("terminal", "the answer cannot be pasted here")
            .with_hint("run it in a terminal, or let --paste read the answer from a pipe"),
    }
}

/// Listens on both loopback addresses, and connects to itself.
pub fn loopback() -> [Finding; 2] {
    let addresses: [(IpAddr, &str); 2] = [
        (Ipv4Addr::LOCALHOST.into(), "127.0.0.1"),
        (Ipv6Addr::LOCALHOST.into(), "[::1]"),
    ];
    addresses.map(|(address, name)| match try_loopback(address) {
        Ok(()) => Finding::ok("loopback", format!("{name} can be listened on and reached")),
        Err(None) => {
            let what = format!("this machine has no {name}, which a login can do without");
            Finding::ok("loopback", what)
        }
        Err(Some(err)) => Finding::warning("loopback", format!("{name} does not work: {err}"))
            .with_hint("a firewall or sandbox may block it"),
    })
}

/// Binds the callback as a login does, and closes it. Returns the redirect URI too.
pub fn callback(case: &Case, stored: Option<&Credentials>) -> (Finding, String) {
    let target = redirect_target(case.request, &case.cache, stored);
    let source = match Listener::bind(&target) {
        Ok(listener) => {
            let uri = listener.redirect_uri().to_owned();
            let port = Url::parse(&uri).ok().and_then(|url| url.port());
            let port = port.unwrap_or_default();
            let what = match target.ports.contains(&port) {
                true => uri.clone(),
                false => {
                    let uri = uri.replacen(&format!(":{port}/"), ":PORT/", 1);
                    format!("{uri}, at any free port")
                }
            };
            return (Finding::ok("callback", what), uri);
        }
        Err(source) => source,
    };
    let is_taken = matches!(source, BindError::Taken(_));
    let err = cannot_listen(&target, source);
    let failure = Finding::failure("callback", &err);
    let finding = match case.paste {
        None => failure,
        Some(_) => Finding {
            hint: failure.hint.clone().filter(|_| is_taken),
            ..failure.into_warning(format!(
                "{}; the answer would have to be pasted",
                err.one_line()
            ))
        },
    };
    (finding, target.uri_without_socket())
}

/// Says which clients run this program, and which of them would not find it.
pub fn clients() -> Vec<Finding> {
    let clients = Places::detect().map(|places| ours::that_run_us(&places));
    let finding = |(client, program, is_there): (ConfiguredServer, String, bool)| {
        let name = printable(&client.full_name());
        let (path, program) = (client.path.display().to_string(), printable(&program));
        if is_there {
            return Finding::ok("clients", format!("{name} runs {program}"));
        }
        let why = match Path::new(&program).is_absolute() {
            true => "which is not there",
            false => "which is not on the PATH",
        };
        let what = format!("{name} ({}) runs {program}, {why}", printable(&path));
        let server = printable(&quoted(&client.shown_url()));
        Finding::warning("clients", what).with_hint(format!(
            "mcp-login handover {server} --to {} --write",
            client.source
        ))
    };
    clients.into_iter().flatten().map(finding).collect()
}

/// Judges the clock: by the time of the server, else by what is plausible.
pub fn clock(now: Time, server_ahead: Option<i64>) -> Finding {
    let shown = now.rfc3339();
    let what = match server_ahead.map(|ahead| (ahead, ahead.unsigned_abs())) {
        Some((ahead, apart)) if apart > CLOCK_TOLERANCE => {
            let side = if ahead > 0 { "behind" } else { "ahead of" };
            let apart = in_words(Duration::from_secs(apart));
            format!("{shown}: {apart} {side} the server's clock")
        }
        _ if !PLAUSIBLE.contains(&now.unix_seconds()) => format!("{shown}, which cannot be right"),
        Some(_) => return Finding::ok("clock", format!("{shown} (agrees with the server)")),
        None => return Finding::ok("clock", shown),
    };
    Finding::warning("clock", what)
        .with_hint("set the clock of this computer; certificates and tokens depend on it")
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;

    #[test]
    fn what_a_clock_can_say() {
        let now = Time::at(1_800_000_000);
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
                Time::at(0),
                None,
                Severity::Warning,
                "1970-01-01T00:00:00Z, which cannot be right",
            ),
            (
                Time::at(4_200_000_000),
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
