//! Weight: long messages in bounded memory, no work while nothing happens, several bridges at once.

use serde_json::json;

use super::{finish, legacy, on, WIRES};
use crate::support::fake::Reply;
use crate::support::mcp_server::{McpServer, Wire};
use crate::support::program::Program;
use crate::support::stdio_client::{connect, text_of, StdioClient};
use crate::support::{tries_all, wait_for};

/// Returns the size of a long message in bytes: with all tests what is promised, else somewhat more than the 10 MiB that other
/// bridges take.
fn long() -> usize {
    if tries_all() {
        50_000_000
    } else {
        12_000_000
    }
}

#[cfg(target_os = "linux")]
#[apply(test)]
fn br13_br40_long_messages_each_way() {
    let long = long();
    let server = McpServer::tool(Wire::Both, "events", move |message, _| {
        Reply::stream(vec![message.says(&"x".repeat(long))])
    });
    let (_home, mut client) = legacy(&server);
    let process = client.running.process();
    let memory = || process.status("VmHWM");
    let small = memory();
    // However long it takes on a busy machine.
    let mut call = |tool: &str, text: &str| {
        let id = client.ask_tool(tool, json!({"text": text}));
        let answer = client.next("the answer", |line| line.json["id"] == id);
        assert_eq!(text_of(&answer.json).len(), long);
    };
    call("echo", &"y".repeat(long));
    let as_json = memory();
    call("events", "");
    let as_event = memory();
    assert_eq!(client.text("echo", json!({"text": "goes on"})), "goes on");
    println!("peak memory: {small} KiB, with JSON {as_json} KiB, with an event {as_event} KiB");
    let most = small + 5 * long as u64 / 2 / 1024;
    assert!(as_event < most, "{as_event} KiB of {most}");
    finish(&server, client);
}

/// Answers that hold more together than the bridge allows them are read one after another, and each is passed on. All of them
/// are hundreds of megabytes, which takes a while without optimization.
#[cfg(target_os = "linux")]
#[apply(long_test)]
fn br13_br47_sixteen_long_results_at_once_share_memory() {
    let (bytes, tools) = match tries_all() {
        true => (20_000_000, &["size", "events"][..]),
        false => (8_000_000, &["events"][..]),
    };
    for &tool in tools {
        let server = McpServer::tool(Wire::Both, "events", move |message, _| {
            Reply::stream(vec![message.says(&"x".repeat(bytes))])
        });
        let (_home, mut client) = legacy(&server);
        let process = client.running.process();
        let before = process.status("VmHWM");
        let ids: Vec<_> = (0..16)
            .map(|_| client.ask_tool(tool, json!({"bytes": bytes})))
            .collect();
        for id in &ids {
            let answer = client.next("an answer", |line| line.json["id"] == *id);
            assert_eq!(text_of(&answer.json).len(), bytes);
        }
        let (after, of_16) = (process.status("VmHWM"), 16 * bytes as u64 / 1024);
        println!("peak memory: {before} KiB, with 16 {tool} of {bytes} bytes {after} KiB");
        // What is shared, and one answer beyond it.
        let most = before + 64 * 1024 + of_16 / 16 + 24 * 1024;
        assert!(after < most && most < of_16, "{after} KiB of {most}");
        finish(&server, client);
    }
}

/// Returns the times that all threads of a process went to sleep by themselves, and the processor time in ticks.
#[cfg(target_os = "linux")]
fn work(process: crate::support::process::Process) -> (u64, u64) {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process.0)).expect("threads");
    let switches = tasks.flatten().map(|task| {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|it| it.trim().parse::<u64>().ok())
            .unwrap_or(0)
    });
    (switches.sum(), process.ticks())
}

/// Whole logins pass meanwhile, so that the time is long enough.
#[cfg(target_os = "linux")]
#[apply(test)]
fn br16_br17_nothing_to_do_is_nothing_done() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    server.wait_for_streams(1);
    client.text("echo", json!({}));
    // The threads that have answered may still be on their way to sleep.
    Program::login(server.fake()).agree().expect(0);
    let process = client.running.process();
    wait_for("all threads to sleep", || process.is_asleep().then_some(()));
    let before = work(client.running.process());
    for _ in 0..3 {
        Program::login(server.fake()).agree().expect(0);
    }
    let after = work(client.running.process());
    assert!(
        after.0 - before.0 <= 2,
        "it woke {} times",
        after.0 - before.0
    );
    assert!(after.1 - before.1 <= 1, "ticks: {} {}", before.1, after.1);
    finish(&server, client);
}

#[apply(test)]
fn br4_three_hundred_calls_in_one_burst() {
    for wire in WIRES {
        let server = McpServer::start(wire);
        let (_home, mut client) = on(wire, &server);
        let ids: Vec<_> = (0..320)
            .map(|it| client.ask_tool("echo", json!({"text": it.to_string()})))
            .collect();
        for (number, id) in ids.iter().enumerate() {
            let answer = client.answer(id);
            assert_eq!(answer["result"]["content"][0]["text"], number.to_string());
        }
        assert_eq!(server.calls("echo").len(), 320);
        finish(&server, client);
    }
}

/// A client that starts several bridges for one entry, as some do.
#[apply(test)]
fn br3_br9_bridges_at_once() {
    let server = McpServer::start(Wire::Legacy);
    let (home, first) = legacy(&server);
    let mut clients = vec![first];
    for _ in 0..3 {
        clients.push(StdioClient::legacy(connect(&server, home.home())));
    }
    assert_eq!(server.sessions(), 4);
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(
            client.text("echo", json!({"text": number.to_string()})),
            number.to_string()
        );
    }
    for client in clients {
        finish(&server, client);
    }
    assert_eq!((server.sessions(), server.count("DELETE")), (0, 4));
}
