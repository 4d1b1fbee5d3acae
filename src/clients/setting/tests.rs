//! What an edit leaves of a configuration, in each format.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::clients::sdk::tests::{handover, login};
use crate::clients::{Handover, Mode};

const URL: &str = "https://mcp.example.com/mcp";

fn place(file: &str, keys: &[&str], is_list: bool) -> EntryPlace {
    EntryPlace {
        path: Path::new("/home/ann").join(file),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        name: "lab".to_owned(),
        is_list,
    }
}

/// Returns the setting of a client that starts this program.
fn setting(place: EntryPlace) -> Setting {
    let login = login();
    let handover = Handover {
        name: "lab",
        ..handover(&login, Mode::Access)
    };
    Setting {
        members: json!({"command": "/opt/mcp-login", "args": ["connect", URL]}),
        removed: &["type", "url", "headers"],
        ..Setting::new(&handover, place)
    }
}

/// Requires that an edit makes `new` of `old`, that another one changes nothing, and that the removal of the entry leaves
/// `rest`.
fn check(place: &EntryPlace, old: &str, new: &str, rest: &str) {
    let setting = setting(place.clone());
    let edited = setting.edit(Some(old)).expect(old);
    assert_eq!(*edited, new, "from {old:?}");
    assert_eq!(*setting.edit(Some(&edited)).expect("a text"), new);
    assert_eq!(*place.write(&edited, None).expect("a text"), rest);
}

#[test]
fn cw3_json_keeps_all_the_rest() {
    let flat = place("settings.json", &["amp.mcpServers"], false);
    check(
        &flat,
        "{\n  // mine\n  \"amp.mcpServers\": {\"a\": {\"url\": \"u\"}},\n  \"x\": [1, 2,], // two\n}\n",
        "{\n  // mine\n  \"amp.mcpServers\": {\n    \"a\": {\"url\": \"u\"},\n    \"lab\": {\n      \"command\": \"/opt/mcp-login\",\n      \"args\": [\"connect\", \"https://mcp.example.com/mcp\"]\n    }\n  },\n  \"x\": [1, 2,], // two\n}\n",
        "{\n  // mine\n  \"amp.mcpServers\": {\n    \"a\": {\"url\": \"u\"}\n  },\n  \"x\": [1, 2,], // two\n}\n",
    );
    // Each of the keys may be missing.
    let deep = place(
        "claude.json",
        &["projects", "/home/ann/x", "mcpServers"],
        false,
    );
    for old in [
        "",
        "{}",
        r#"{"projects":{}}"#,
        r#"{"projects":{"/home/ann/x":{}}}"#,
    ] {
        let edited = setting(deep.clone()).edit(Some(old)).expect(old);
        let edited: Value = serde_json::from_str(&edited).expect("JSON");
        assert_eq!(
            edited["projects"]["/home/ann/x"]["mcpServers"]["lab"]["args"],
            json!(["connect", URL])
        );
    }
    // The entry of the server keeps what is not about the way to it.
    let nested = place("mcp.json", &["mcpServers"], false);
    let old = json!({"mcpServers": {"lab": {"type": "http", "url": URL, "headers": {"A": "b"}, "timeout": 7}}});
    let edited = setting(nested.clone()).edit(Some(&old.to_string()));
    let edited: Value = serde_json::from_str(&edited.expect("a text")).expect("JSON");
    let lab = json!({"command": "/opt/mcp-login", "args": ["connect", URL], "timeout": 7});
    assert_eq!(edited, json!({"mcpServers": {"lab": lab}}));
}

#[test]
fn cw3_toml_keeps_all_the_rest() {
    let list = place("config.toml", &["mcp_servers"], true);
    let setting = setting(list.clone());
    let other =
        "# mine\nmodel = \"m\" # m\n\n[[mcp_servers]]\nname = \"a\" # theirs\nurl = \"u\"\n";
    let ours = "\n[[mcp_servers]]\nname = \"lab\"\n";
    let named = |text: &str| {
        let mut setting = setting.clone();
        setting.members["name"] = json!("lab");
        setting.edit(Some(text)).expect(text).to_string()
    };
    let new = named(other);
    assert!(
        new.starts_with(&format!("{other}{ours}command = ")),
        "{new}"
    );
    assert_eq!(named(&new), new);
    assert_eq!(*list.write(&new, None).expect("a text"), other);
    for empty in ["mcp_servers = []\n[x]\ny = 1\n", "", "[x]\ny = 1\n"] {
        let new = named(empty);
        assert_eq!(
            list.read(&new).expect("an entry").expect("it")["name"],
            "lab"
        );
    }
}

#[test]
fn cw3_yaml_keeps_all_the_rest() {
    let map = place("config.yaml", &["extensions"], false);
    let entry = "  lab:\n    command: /opt/mcp-login\n    args: [\"connect\",\"https://mcp.example.com/mcp\"]\n";
    for (old, new, rest) in [
        (
            "# mine\nGOOSE_MODEL: m # m\nextensions:\n  # theirs\n  a:\n    cmd: x\n    args: []\n\n# end\nlast: 1\n",
            format!("# mine\nGOOSE_MODEL: m # m\nextensions:\n  # theirs\n  a:\n    cmd: x\n    args: []\n{entry}\n# end\nlast: 1\n"),
            "# mine\nGOOSE_MODEL: m # m\nextensions:\n  # theirs\n  a:\n    cmd: x\n    args: []\n\n# end\nlast: 1\n",
        ),
        ("a: 1", format!("a: 1\nextensions:\n{entry}"), "a: 1\nextensions: {}\n"),
        ("extensions: {}\na: 1\n", format!("extensions:\n{entry}a: 1\n"), "extensions: {}\na: 1\n"),
        ("extensions:\na: 1\n", format!("extensions:\n{entry}a: 1\n"), "extensions: {}\na: 1\n"),
        ("", format!("extensions:\n{entry}"), "extensions: {}\n"),
    ] {
        check(&map, old, &new, rest);
    }
    let list = place("config.yaml", &["mcpServers"], true);
    let mut named = setting(list.clone());
    named.members["name"] = json!("lab");
    for old in [
        "name: n\nmcpServers:\n  - name: a\n    url: u # theirs\nmodels: []\n",
        "mcpServers:\n- url: u\n  name: a\n- name: lab\n  url: https://mcp.example.com/mcp\n",
        "mcpServers: []\n",
        "name: n\n",
    ] {
        let new = named.edit(Some(old)).expect(old);
        let entry = list.read(&new).expect("an entry").expect("it");
        assert_eq!(entry["command"], "/opt/mcp-login", "{}", *new);
        let rest = list.write(&new, None).expect("a text");
        assert_eq!(list.read(&rest).expect("no entry"), None);
        assert_eq!(
            rest.contains("name: a"),
            old.contains("name: a"),
            "{}",
            *rest
        );
    }
}

/// Windows has its own line ends, and some of its editors begin a file with a byte order mark.
#[test]
fn cw3_line_ends_and_a_byte_order_mark_are_kept() {
    let toml = place("config.toml", &["mcp_servers"], false);
    let yaml = place("config.yaml", &["extensions"], false);
    let json = place("mcp.json", &["mcpServers"], false);
    for (place, old, first, last) in [
        (&toml, "a = 1\r\n# b\r\n", "a = 1\r\n", "\r\n# b\r\n"),
        (&toml, "\u{feff}a = 1 # \r\n", "\u{feff}a = 1 # \r\n", "\r\n"),
        (
            &toml,
            "a = 1\nb = 2\r\n[mcp_servers.lab]\r\nurl = 'u'\r\n[c]\nd = 3\r\ne = \"\"\"\r\nf\n\"\"\"",
            "a = 1\nb = 2\r\n[mcp_servers.lab]\r\n",
            "\r\n[c]\nd = 3\r\ne = \"\"\"\r\nf\n\"\"\"",
        ),
        (&yaml, "\u{feff}a: 1\r\n", "\u{feff}a: 1\r\n", "\r\n"),
        (&json, "\u{feff}{\r\n  \"a\": 1\r\n}\r\n", "\u{feff}{\r\n  \"a\": 1", "\r\n}\r\n"),
    ] {
        let old = old.replace("'u'", &format!("'{URL}'"));
        let new = setting(place.clone()).edit(Some(&old)).expect(&old);
        assert!(new.starts_with(first) && new.ends_with(last), "{old:?}: {}", new.as_str());
        assert!(new.contains("connect"), "{}", new.as_str());
        let is_of_windows = !old.replace("\r\n", "").contains('\n');
        assert!(!is_of_windows || !new.replace("\r\n", "").contains('\n'), "{}", new.as_str());
    }
}

/// What cannot be kept is left alone.
#[test]
fn what_cannot_be_edited_without_a_loss_is_refused() {
    let yaml = place("config.yaml", &["extensions"], false);
    let json = place("mcp.json", &["mcpServers"], false);
    let toml = place("config.toml", &["mcp_servers"], false);
    for (place, old) in [
        (&yaml, "extensions: {a: {cmd: x}}\n"),
        (&yaml, "extensions: &all\n  a:\n    cmd: x\nmore: *all\n"),
        (&yaml, "extensions: [1]\n"),
        (&yaml, "extensions:\n  lab: 7\n"),
        (&yaml, "{extensions: {}}\n"),
        (&yaml, "\"extension\\u0073\":\n  a: {}\n"),
        (&yaml, "- a\n"),
        (&yaml, "a: [\n"),
        (&json, "[]"),
        (&json, "{\"mcpServers\": 7}"),
        (&json, "{\"mcpServers\": {\"lab\": 7}}"),
        (&json, "{"),
        (&toml, "mcp_servers = 7"),
        (&toml, "mcp_servers = []"),
        (&toml, "= broken"),
    ] {
        let refused = setting(place.clone()).edit(Some(old));
        assert!(
            matches!(refused, Err(HandoverError::UnknownFormat { .. })),
            "{old}: {:?}",
            refused.map(|text| text.to_string())
        );
    }
}

#[test]
fn the_name_of_another_server_is_not_taken() {
    let place = place("mcp.json", &["mcpServers"], false);
    for (entry, is_same) in [
        (json!({"url": URL}), true),
        (json!({"command": "npx", "args": ["mcp-remote", URL]}), true),
        (
            json!({"command": "/o/mcp-login", "args": ["connect", URL]}),
            true,
        ),
        (json!({"url": "https://another.example/mcp"}), false),
        (json!({"command": "node", "args": ["server.js"]}), false),
        (json!({}), false),
    ] {
        let old = json!({"mcpServers": {"lab": entry}}).to_string();
        let edited = setting(place.clone()).edit(Some(&old));
        match is_same {
            true => assert!(edited.is_ok(), "{entry}"),
            false => assert!(
                matches!(edited, Err(HandoverError::Unsuitable { .. })),
                "{entry}"
            ),
        }
    }
}
