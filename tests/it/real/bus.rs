//! The session bus where a desktop has it, for programs that start their helpers without its address.

use std::env;

use super::bed::{script, Bed, Part};
use super::running::Run;
use crate::support::rotating::Rotating;
use crate::support::skip::skip;

/// The exit code of `tests/real/keyring` where no bus can be had at that place.
const NO_PLACE: i32 = 77;

/// Skips the test unless a bus can be had where a desktop has it.
pub fn needs_bus(bed: &Bed) {
    let status = bed
        .command(script("keyring"))
        .args(["--user-bus", "nodaemon", "true"])
        .status()
        .expect("the script");
    if status.code() == Some(NO_PLACE) {
        skip("a bus at /run/user can neither be hidden nor made");
    }
    assert!(status.success(), "{status}");
}

/// What Codex leaves of the environment, and nothing of the session.
const STRIPPED: &str = "cd / && exec env -i HOME=\"$HOME\" LANG=C.UTF-8 LOGNAME=me PATH=\"$PATH\" PWD=/ SHELL=/bin/sh TERM=dumb USER=me \"$@\"";

#[apply(test)]
fn k1_headers_find_the_keyring_without_the_address_of_the_bus() {
    let bed = Bed::with(&[Part::Curl, Part::Keyring]);
    needs_bus(&bed);
    let servers = Rotating::start();
    let text = format!(
        "set -e
        unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_STATE_HOME
        \"$1\" --store keyring --timeout 180s '{url}'
        stripped() {{ (\n{STRIPPED}\n); }}
        stripped env > environment
        stripped \"$1\" headers '{url}' > live
        stripped \"$1\" headers --refresh '{url}' > refreshed
        stripped \"$1\" --store keyring headers '{url}' > again
        # An address that is there counts, right or wrong.
        DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent \"$1\" headers '{url}' > wrong || test $? = 7
        secret-tool lookup service mcp-login username '{url}' > stored",
        url = servers.fake.mcp(),
    );
    let mut command = bed.command(script("keyring"));
    command.args([
        "--user-bus",
        "unlocked",
        "/bin/sh",
        "-c",
        &text,
        "sh",
        env!("CARGO_BIN_EXE_mcp-login"),
    ]);
    Run::start(command.env("BROWSER", bed.curl()))
        .finish()
        .exits(0);
    let environment = bed.read("environment");
    assert!(
        !environment.contains("DBUS") && !environment.contains("XDG"),
        "{environment}"
    );
    let [live, refreshed, again, wrong] =
        ["live", "refreshed", "again", "wrong"].map(|name| bed.read(name));
    assert!(
        live.starts_with("{\"Authorization\":\"Bearer access-") && live.ends_with("\"}\n"),
        "{live}"
    );
    assert!(
        refreshed != live && refreshed == again && wrong.is_empty(),
        "{refreshed} {again} {wrong}"
    );
    let token = again
        .trim_start_matches("{\"Authorization\":\"Bearer ")
        .trim_end_matches("\"}\n");
    assert!(
        bed.read("stored").contains(token),
        "it came from the keyring"
    );
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
}
