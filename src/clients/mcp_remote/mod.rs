//! mcp-remote, through which clients that only start programs reach servers: gets the login in the files of its own.

mod arguments;
mod login;

use std::path::PathBuf;

use md5::{Digest, Md5};
use serde_json::{json, Value};

use super::sdk;
use super::{Change, Delivery, Handover, HandoverError, Mode, Places, Target, MCP_REMOTE};
use crate::digest;
use arguments::Arguments;

pub use arguments::{runs, version, words};
pub use login::login;

/// mcp-remote 0.15.
pub const TARGET: Target = Target {
    name: MCP_REMOTE,
    about: "gets the login in ~/.mcp-auth, and refreshes it itself",
    source: Some(MCP_REMOTE),
    accepts_mcp_remote: true,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "mcp-remote uses it from its next start, with the URL written as it is here",
    ..Target::NEW
};

/// The version of the layout of its directory.
const LAYOUT: &str = "mcp-remote-v1";

/// The variable that names its directory.
const DIRECTORY: &str = "MCP_REMOTE_CONFIG_DIR";

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let arguments = match handover.configured {
        Some(configured) => Arguments::known(&configured.entry)?,
        None => Arguments::default(),
    };
    if arguments.directory.is_some() && handover.configured.is_some_and(|it| it.in_project) {
        return Err(HandoverError::unsuitable(
            "a project's file says where mcp-remote keeps logins, and could have them kept with the project",
            format!("set {DIRECTORY} yourself, and remove it from the project's file"),
        ));
    }
    let directory = match arguments.directory {
        Some(directory) => places.home.join(directory),
        None => places.path_or(DIRECTORY, ".mcp-auth"),
    };
    let (directory, hash) = (directory.join(LAYOUT), hash(handover.url, &arguments));
    let file =
        |name: &str, content| change(directory.join(format!("{hash}_{name}.json")), &content);
    let issuer = json!({"issuer": handover.login.issuer});
    let mut changes = Vec::new();
    if handover.mode != Mode::Access {
        arguments.check_client_id(&handover.login.client_id)?;
        // mcp-remote deletes a client that is not registered with the redirect URI that it would use itself. It only
        // looks at that URI, because a refresh has none.
        let redirect_uris = [&handover.login.redirect_uri, &arguments.redirect_uri(&hash)];
        let client = sdk::with(
            sdk::client(handover.login),
            json!({"redirect_uris": redirect_uris}),
        );
        changes.push(file("client_info", sdk::with(client, issuer.clone())));
    }
    // The scopes that were asked for are left out: if mcp-remote would ask for others, it would throw the tokens away.
    let expires_at = handover.login.expires_at.map(sdk::milliseconds);
    let tokens = sdk::with(sdk::tokens(handover), json!({"expires_at": expires_at}));
    changes.push(file("tokens", sdk::with(tokens, issuer)));
    Ok(Delivery::Files(changes))
}

/// Returns the beginning of the names of the files: a hash of the URL, and of what else is on the command line.
fn hash(url: &str, arguments: &Arguments) -> String {
    let parts = [vec![url.to_owned()], arguments.hashed()].concat();
    digest::hex(&Md5::digest(parts.join("|")), usize::MAX)
}

/// Replaces a file with one login.
fn change(path: PathBuf, content: &Value) -> Change {
    super::json::replacement(path, format!("{content:#}"), |path, old| {
        if old.is_object() {
            return Ok(());
        }
        Err(HandoverError::unknown(path, "it is not a JSON object"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::sdk::tests::{
        changes, confidential, configured, edited, handover, login, places, URL,
    };
    use super::*;

    const HASH: &str = "94baabe3c3fadb285b26c035e4e86046";

    #[test]
    fn u24_a_moved_login_refreshes_there() {
        let login = confidential();
        let changes = changes(deliver(&handover(&login, Mode::Move), &places(&[])));
        let paths: Vec<_> = changes
            .iter()
            .map(|change| change.path.display().to_string().replace('\\', "/"))
            .collect();
        let path = |name| format!("/home/ann/.mcp-auth/mcp-remote-v1/{HASH}_{name}.json");
        assert_eq!(
            paths,
            [path("client_info"), path("tokens")],
            "the tokens come last"
        );
        assert!(changes
            .iter()
            .all(|change| change.secret && change.lock.is_none()));
        let client = json!({
            "client_id": "client",
            "client_secret": "secret canary",
            "token_endpoint_auth_method": "client_secret_post",
            "redirect_uris": ["http://127.0.0.1:4711/callback", "http://localhost:41409/oauth/callback"],
            "issuer": "https://as.example",
        });
        let tokens = json!({
            "access_token": "access canary 1",
            "token_type": "Bearer",
            "refresh_token": "refresh canary",
            "scope": "mcp",
            "expires_at": 1_893_557_045_000_i64,
            "issuer": "https://as.example",
        });
        assert_eq!(edited(&changes[0], None), client);
        assert_eq!(
            edited(&changes[1], Some(r#"{"requested_scope": "old"}"#)),
            tokens
        );
        assert!(matches!(
            changes[1].apply(Some("[]")),
            Err(HandoverError::UnknownFormat { .. })
        ));
    }

    #[test]
    fn cm1_an_access_token_alone_needs_no_client() {
        let mut login = login();
        (login.expires_at, login.scopes) = (None, Vec::new());
        let lent = Handover {
            url: "https://mcp.example.com/",
            ..handover(&login, Mode::Access)
        };
        let changes = changes(deliver(
            &lent,
            &places(&[("MCP_REMOTE_CONFIG_DIR", "/auth")]),
        ));
        let [change] = changes.as_slice() else {
            panic!("one file")
        };
        let hash = "https://mcp.example.com/";
        let hash = digest::hex(&Md5::digest(hash), usize::MAX);
        assert_eq!(
            change.path,
            PathBuf::from(format!("/auth/mcp-remote-v1/{hash}_tokens.json"))
        );
        let tokens = json!({"access_token": "access canary 1", "token_type": "Bearer", "issuer": "https://as.example"});
        assert_eq!(edited(change, None), tokens);
    }

    #[test]
    fn what_the_user_wrote_on_the_command_line_counts() {
        let login = login();
        let args = json!([
            "-y",
            "mcp-remote",
            URL,
            "9696",
            "--header",
            "B: ${B}",
            "--header",
            "A:x",
            "--resource",
            "r:1"
        ]);
        let entry =
            json!({"command": "npx", "args": args, "env": {"MCP_REMOTE_CONFIG_DIR": "/elsewhere"}});
        let configured = configured("claude-desktop", entry);
        let moved = Handover {
            configured: Some(&configured),
            ..handover(&login, Mode::Move)
        };
        let changes = changes(deliver(
            &moved,
            &places(&[("MCP_REMOTE_CONFIG_DIR", "/auth")]),
        ));
        let hash = Md5::digest(format!(r#"{URL}|r:1|{{"A":"x","B":"${{B}}"}}"#));
        let hash = digest::hex(&hash, usize::MAX);
        assert_eq!(
            changes[1].path,
            PathBuf::from(format!("/elsewhere/mcp-remote-v1/{hash}_tokens.json"))
        );
        let client = edited(&changes[0], None);
        assert_eq!(
            client["redirect_uris"][1],
            "http://localhost:9696/oauth/callback"
        );
    }
}
