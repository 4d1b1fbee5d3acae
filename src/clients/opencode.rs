//! opencode: gets the login in the file that it keeps its own in.

use std::path::Path;

use serde_json::{json, Map, Value};

use super::sdk::{self, set};
use super::{
    json as file, Change, Client, Delivery, Edit, Handover, HandoverError, Lock, Mode, Places,
};
use crate::digest;

/// opencode 1.18.
pub const CLIENT: Client = Client {
    name: "opencode",
    about: "gets the login in its mcp-auth.json, and refreshes it itself",
    source: Some("opencode"),
    asks_us: false,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "opencode uses it from its next start; end a running one first",
};

fn deliver(grant: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    if grant.mode != Mode::Access {
        sdk::same_client(grant, "/oauth/clientId")?;
    }
    let below = |variable, otherwise| {
        places
            .path(variable)
            .unwrap_or_else(|| places.home.join(otherwise))
    };
    let path = below("XDG_DATA_HOME", ".local/share").join("opencode/mcp-auth.json");
    let lock = below("XDG_STATE_HOME", ".local/state")
        .join("opencode/locks")
        .join(lock_name(&path));
    let (edited, name, entry) = (path.clone(), grant.name.to_owned(), entry(grant));
    let edit: Edit = Box::new(move |old| {
        file::edit(&edited, old, |root| {
            // opencode throws the whole file away if it does not understand one entry.
            if let Some(other) = root
                .properties()
                .iter()
                .find(|entry| entry.object_value().is_none())
            {
                let other = other.decoded_name().unwrap_or_default();
                return Err(HandoverError::unknown(
                    &edited,
                    format!("{other:?} is not an object"),
                ));
            }
            let known = root
                .object_value(&name)
                .and_then(|it| it.get("serverUrl")?.to_serde_value());
            match known {
                Some(known) if known != entry["serverUrl"] => Err(HandoverError::other_server(
                    &edited,
                    &name,
                    known.as_str().unwrap_or_default(),
                )),
                _ => {
                    file::set(root, &name, &entry);
                    Ok(())
                }
            }
        })
    });
    Ok(Delivery::Files(vec![Change {
        path,
        lock: Some(Lock::Directory(lock)),
        secret: true,
        edit,
    }]))
}

/// Returns the entry. opencode uses it only if the URL is the one of its configuration, byte for byte.
fn entry(grant: &Handover) -> Value {
    let kept = grant.kept;
    let mut tokens = Map::new();
    set(&mut tokens, "accessToken", Some(kept.access_token.expose()));
    set(&mut tokens, "refreshToken", sdk::refresh_token(grant));
    set(&mut tokens, "expiresAt", kept.expires_at.map(|time| time.0));
    set(&mut tokens, "scope", sdk::scope(grant));
    let mut entry = Map::new();
    set(&mut entry, "tokens", Some(tokens));
    if grant.mode != Mode::Access {
        let secret = kept.client_secret.as_ref().map(|secret| secret.expose());
        let mut client = Map::new();
        set(&mut client, "clientId", Some(kept.client_id.as_str()));
        set(&mut client, "clientSecret", secret);
        set(&mut entry, "clientInfo", Some(client));
    }
    set(&mut entry, "serverUrl", Some(json!(grant.url)));
    entry.into()
}

/// Returns the name of opencode's lock on the file.
fn lock_name(path: &Path) -> String {
    let hash = digest::sha1(format!("mcp-auth:{}", path.display()));
    digest::hex(&hash, hash.len()) + ".lock"
}

#[cfg(test)]
mod tests {
    use super::super::sdk::tests::{
        changes, confidential, configured, edited, grant, login, places, URL,
    };
    use super::*;

    #[test]
    fn u24_a_moved_login_refreshes_there() {
        let kept = confidential();
        let changes = changes(deliver(&grant(&kept, Mode::Move), &places(&[])));
        let [change] = changes.as_slice() else {
            panic!("one file")
        };
        assert_eq!(
            change.path,
            Path::new("/home/ann/.local/share/opencode/mcp-auth.json")
        );
        let lock =
            "/home/ann/.local/state/opencode/locks/c0d7c3f1f2face93fe10e63a3d0d8ff22156eb42.lock";
        assert_eq!(change.lock, Some(Lock::Directory(lock.into())));
        assert!(change.secret);
        let entry = json!({
            "tokens": {"accessToken": "access canary 1", "refreshToken": "refresh canary", "expiresAt": 1_893_557_045,
                "scope": "mcp"},
            "clientInfo": {"clientId": "client", "clientSecret": "secret canary"},
            "serverUrl": URL,
        });
        assert_eq!(edited(change, None), json!({"example": entry}));
        let old = r#"{"example": {"oauthState": "old"}, "b": {"serverUrl": "u", "later": 1}}"#;
        assert_eq!(
            edited(change, Some(old)),
            json!({"example": entry, "b": {"serverUrl": "u", "later": 1}})
        );
        let refused = (change.edit)(Some(r#"{"b": 7}"#));
        assert!(matches!(refused, Err(HandoverError::UnknownFormat { .. })));
    }

    #[test]
    fn cm1_without_the_refresh_token_it_registers_for_itself() {
        let mut kept = login();
        (kept.expires_at, kept.scopes) = (None, Vec::new());
        let places = places(&[("XDG_DATA_HOME", "/data"), ("XDG_STATE_HOME", "/state")]);
        let configured = configured(
            "opencode",
            json!({"type": "remote", "oauth": {"clientId": "another"}}),
        );
        let lent = Handover {
            configured: Some(&configured),
            url: "https://mcp.example.com/mcp/",
            ..grant(&kept, Mode::Access)
        };
        let changes = changes(deliver(&lent, &places));
        assert_eq!(changes[0].path, Path::new("/data/opencode/mcp-auth.json"));
        let entry = json!({"tokens": {"accessToken": "access canary 1"}, "serverUrl": "https://mcp.example.com/mcp/"});
        assert_eq!(edited(&changes[0], Some("")), json!({"example": entry}));
        let moved = Handover {
            mode: Mode::Move,
            ..lent
        };
        assert!(
            matches!(
                deliver(&moved, &places),
                Err(HandoverError::Unsuitable { .. })
            ),
            "it would refresh as another client"
        );
    }
}
