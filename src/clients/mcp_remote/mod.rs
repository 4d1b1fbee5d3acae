//! mcp-remote, the bridge of clients that only run programs: gets the login in the files that it keeps its own in.

mod arguments;
mod login;

use std::path::PathBuf;

use md5::{Digest, Md5};
use serde_json::{json, Map, Value};
use zeroize::Zeroizing;

use super::sdk::{self, set};
use super::{Change, Client, Delivery, Edit, Handover, HandoverError, Mode, Places, BRIDGE};
use crate::digest;
use arguments::{version, Arguments};

pub use arguments::runs;
pub use login::login;

/// mcp-remote 0.15.
pub const CLIENT: Client = Client {
    name: BRIDGE,
    about: "gets the login in ~/.mcp-auth, and refreshes it itself",
    source: Some(BRIDGE),
    asks_us: false,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "mcp-remote uses it from its next start, with the URL written as it is here",
};

/// The version of the layout of its directory.
const LAYOUT: &str = "mcp-remote-v1";

fn deliver(grant: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let arguments = grant
        .configured
        .map_or_else(|| Ok(Arguments::default()), |it| Arguments::of(&it.entry))?;
    if grant.mode != Mode::Access {
        arguments.allow_client(&grant.kept.client_id)?;
    }
    let chosen = arguments
        .directory
        .as_ref()
        .map(|path| places.home.join(path));
    if chosen.is_some() && grant.configured.is_some_and(|it| it.in_project) {
        return Err(HandoverError::Unsuitable {
            message: "a project's file says where mcp-remote keeps logins, and could have them kept with the project"
                .to_owned(),
            hint: "set MCP_REMOTE_CONFIG_DIR yourself, and remove it from the project's file".to_owned(),
        });
    }
    let chosen = chosen.or_else(|| places.path("MCP_REMOTE_CONFIG_DIR"));
    let directory = chosen
        .unwrap_or_else(|| places.home.join(".mcp-auth"))
        .join(LAYOUT);
    let hash = hash(grant.url, &arguments);
    let file = |name: &str, content| change(directory.join(format!("{hash}_{name}.json")), content);
    let mut changes = Vec::new();
    if grant.mode != Mode::Access {
        changes.push(file(
            "client_info",
            client(grant, &arguments.redirect_uri(&hash)),
        ));
    }
    changes.push(file("tokens", tokens(grant)));
    Ok(Delivery::Files(changes))
}

/// Returns what the names of the files begin with: a hash over the URL, and what else the user wrote on the command line.
fn hash(url: &str, arguments: &Arguments) -> String {
    let parts = [vec![url.to_owned()], arguments.hashed()].concat();
    digest::hex(&Md5::digest(parts.join("|")), usize::MAX)
}

/// Returns the tokens. The scopes that were asked for are left out: if mcp-remote would ask for others, it would throw the
/// tokens away.
fn tokens(grant: &Handover) -> Value {
    let mut tokens = sdk::tokens(grant);
    set(
        &mut tokens,
        "expires_at",
        grant
            .kept
            .expires_at
            .map(|time| time.0.saturating_mul(1000)),
    );
    set(&mut tokens, "issuer", Some(grant.kept.issuer.as_str()));
    tokens.into()
}

/// Returns the client. mcp-remote deletes one that is not registered with the redirect URI that it would use itself; that
/// one is only ever looked at here, because a refresh has none.
fn client(grant: &Handover, redirect_uri: &str) -> Value {
    let mut client = sdk::client(grant);
    set(
        &mut client,
        "redirect_uris",
        Some(json!([grant.kept.redirect_uri, redirect_uri])),
    );
    set(&mut client, "issuer", Some(grant.kept.issuer.as_str()));
    client.into()
}

/// Replaces a file that is about this login alone.
fn change(path: PathBuf, content: Value) -> Change {
    let edited = path.clone();
    let edit: Edit = Box::new(move |old| {
        if let Some(old) = old {
            serde_json::from_str::<Map<String, Value>>(old)
                .map_err(|err| HandoverError::unknown(&edited, err))?;
        }
        let text = serde_json::to_string_pretty(&content)
            .map_err(|err| HandoverError::unknown(&edited, err))?;
        Ok(Zeroizing::new(text))
    });
    Change {
        path,
        lock: None,
        secret: true,
        edit,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sdk::tests::{
        changes, confidential, configured, edited, grant, login, places, URL,
    };
    use super::*;

    const HASH: &str = "94baabe3c3fadb285b26c035e4e86046";

    #[test]
    fn u24_a_moved_login_refreshes_there() {
        let kept = confidential();
        let changes = changes(deliver(&grant(&kept, Mode::Move), &places(&[])));
        let paths: Vec<_> = changes
            .iter()
            .map(|change| change.path.display().to_string())
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
            (changes[1].edit)(Some("[]")),
            Err(HandoverError::UnknownFormat { .. })
        ));
    }

    #[test]
    fn cm1_an_access_token_alone_needs_no_client() {
        let mut kept = login();
        (kept.expires_at, kept.scopes) = (None, Vec::new());
        let lent = Handover {
            url: "https://mcp.example.com/",
            ..grant(&kept, Mode::Access)
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
        let kept = login();
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
            ..grant(&kept, Mode::Move)
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
