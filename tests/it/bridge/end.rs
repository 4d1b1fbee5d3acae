//! The end: at the end of stdin, at a signal, when the parent is gone; nothing is left behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::{finish, legacy};
use crate::support::fake::Reply;
use crate::support::mcp_server::{McpServer, Settings, Wire};
use crate::support::process::Process;
use crate::support::rotating::{Home, Rotating};
use crate::support::skip::{needs_container, CONTAINER};
use crate::support::stdio_client::{connect, log_in, text_of, StdioClient};
use crate::support::{in_time, wait_for};

/// Most time that the end may take: the limit of DELETE is one second, and a busy machine may add to it.
const END: Duration = Duration::from_secs(5);

/// Returns all files below a directory.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let (mut files, mut left) = (BTreeSet::new(), vec![directory.to_owned()]);
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).expect("a directory").flatten() {
            if entry.path().is_dir() {
                left.push(entry.path());
            } else {
                files.insert(entry.path());
            }
        }
    }
    files
}

/// Tells whether a process listens at a port.
#[cfg(target_os = "linux")]
fn listens(process: Process) -> bool {
    let inode = |line: &str| line.split_whitespace().nth(9).map(str::to_owned);
    let tables = ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/net/{name}")));
    let listening: BTreeSet<_> = tables
        .iter()
        .flatten()
        .flat_map(|table| table.lines().filter(|line| line.contains(" 0A ")))
        .filter_map(inode)
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let handles = fs::read_dir(format!("/proc/{}/fd", process.0)).expect("a running program");
    let mut links = handles
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok());
    links.any(|link| listening.contains(link.to_string_lossy().as_ref()))
}

#[apply(test)]
fn br2_br23_the_end_of_stdin() {
    let server = McpServer::start(Wire::Legacy);
    let home = log_in(&server);
    let before = files(home.home());
    let mut client = StdioClient::legacy(connect(&server, home.home()));
    client.text("echo", json!({}));
    #[cfg(target_os = "linux")]
    assert!(!listens(client.running.process()), "no port");
    let asked = Instant::now();
    finish(&server, client);
    in_time("the end", asked, END);
    assert_eq!(server.count("DELETE"), 1);
    assert_eq!(files(home.home()), before, "no file");
}

/// A call that is answered soon is answered.
#[apply(test)]
fn br2_the_end_of_stdin_with_a_call_in_flight() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    let id = client.ask_tool("echo", json!({"text": "last"}));
    client.running.close_stdin();
    assert_eq!(text_of(&client.answer(&id)), "last");
    finish(&server, client);
}

#[apply(test)]
fn br2_br23_a_call_that_is_never_answered_and_a_delete_that_hangs() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, state| {
        let is_held = message.tool() == "never" || message.method() == "DELETE";
        is_held.then(|| {
            state.note("held");
            Reply::Hang
        })
    });
    let (_home, mut client) = legacy(&server);
    client.ask_tool("never", json!({}));
    server.wait_until("the call", |state| state.noted("held") == 1);
    let asked = Instant::now();
    client.running.close_stdin();
    let process = client.running.process();
    wait_for("the end", || {
        process.stat().is_none_or(|it| it[0] == "Z").then_some(())
    });
    in_time("the end", asked, END);
    client.running.finish().expect(0);
    server.fake().wait_until_noted();
    assert_eq!(server.count("DELETE"), 1);
}

/// The client has gone, and the container would end with the bridge.
#[apply(test)]
fn c10_br2_a_refresh_under_way_in_a_container_is_ended_first() {
    needs_container();
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let bridge = home.command("connect", &["-v", &servers.fake.mcp()]);
    let mut client = StdioClient::start(bridge.through(&CONTAINER).with_stdin());
    client.ask("tools/list", json!({}));
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    client.running.close_stdin();
    client.running.said("waiting for the end of a refresh");
    gate.open();
    client.running.finish().expect(0);
    let kept = home.kept(&servers.fake);
    let token = kept["refresh_token"].as_str().expect("a token");
    assert!(servers.is_good(token) && !servers.was_reused());
}

#[apply(test)]
fn br23_a_server_that_knows_no_delete() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        (message.method() == "DELETE").then(|| Reply::status(405))
    });
    let (_home, client) = legacy(&server);
    finish(&server, client);
    assert_eq!(server.count("DELETE"), 1);
}

#[apply(test)]
fn br3_br23_signals() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        crate::support::skip::needs_signal(signal);
        let server = McpServer::start(Wire::Legacy);
        let (home, mut client) = legacy(&server);
        client.text("echo", json!({}));
        client.running.process().signal(signal);
        server.wait_until("the DELETE", |state| state.count("DELETE") == 1);
        // Stdin is still open.
        let process = client.running.process();
        wait_for("the end", || {
            process.stat().is_none_or(|it| it[0] == "Z").then_some(())
        });
        client.running.finish().expect(0);
        server.assert_rules();
        // Nothing stands in the way of the next one.
        let client = StdioClient::legacy(connect(&server, home.home()));
        finish(&server, client);
    }
}

/// The client is killed: stdin stays open in another process, but nobody is there any more.
#[cfg(target_os = "linux")]
#[apply(test)]
fn br3_br23_the_parent_is_killed() {
    let server = McpServer::start(Wire::Legacy);
    let home = log_in(&server);
    let program = connect(&server, home.home());
    // Its stdin is that of the shell, which waits for it.
    let program = program
        .through(&["sh", "-c", "\"$@\"; exit 9", "sh"])
        .with_stdin();
    let mut client = StdioClient::legacy(program);
    client.text("echo", json!({}));
    let bridge = client.running.process().child();
    client.running.process().signal(Signal::KILL);
    server.wait_until("the DELETE", |state| state.count("DELETE") == 1);
    wait_for("the end", || {
        bridge.stat().is_none_or(|it| it[0] == "Z").then_some(())
    });
}

/// The client reads no more: there is nobody to speak to.
#[apply(test)]
fn br3_stdout_is_closed() {
    let server = McpServer::start(Wire::Legacy);
    let home = log_in(&server);
    let program = connect(&server, home.home()).through_shell("", "| head -n 1 >&2; echo ended");
    let mut running = program.with_stdin().start();
    let line = |method: &str, id: u64| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"protocolVersion": "2025-11-25"}});
    running.type_in(&format!("{}\n", line("initialize", 1)));
    running.said("protocolVersion");
    running.type_in(&format!("{}\n", line("tools/list", 2)));
    assert_eq!(running.next_line().as_deref(), Some("ended"));
}
