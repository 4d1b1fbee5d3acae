//! opencode, and Kilo, which is made of it: get the login in the file that they keep their own in.

use std::path::Path;

use serde_json::{json, Value};

use super::{json as file, sdk};
use super::{Delivery, Handover, HandoverError, Lock, Mode, Places, Target};
use crate::digest;

/// opencode 1.18.
pub const TARGET: Target = Target {
    name: "opencode",
    about: "gets the login in its mcp-auth.json, and refreshes it itself",
    source: Some("opencode"),
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "opencode uses it from its next start; end a running one first",
    ..Target::NEW
};

/// Kilo 7.7.
pub const KILO: Target = Target {
    name: "kilo",
    source: Some("kilo"),
    note: "Kilo uses it from its next start; end a running one first",
    ..TARGET
};

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    if handover.mode != Mode::Access {
        sdk::check_client_id(handover, "/oauth/clientId")?;
    }
    let data = places.path_or("XDG_DATA_HOME", ".local/share");
    let state = places.path_or("XDG_STATE_HOME", ".local/state");
    let path = data.join(handover.client).join("mcp-auth.json");
    let lock = state.join(handover.client).join("locks");
    let lock = lock.join(lock_name(&path));
    let (name, entry) = (handover.name.to_owned(), entry(handover));
    let change = file::change(path, move |path, root| {
        // opencode ignores the whole file if one entry is not an object.
        for other in root.properties() {
            if other.object_value().is_none() {
                let name = other.decoded_name().unwrap_or_default();
                let why = format!("{name:?} is not an object");
                return Err(HandoverError::unknown(path, why));
            }
        }
        let known = root.object_value(&name);
        let url = known.and_then(|it| it.get("serverUrl")?.to_serde_value());
        if let Some(url) = url.filter(|url| *url != entry["serverUrl"]) {
            let url = url.as_str().unwrap_or_default();
            return Err(HandoverError::other_server(path, &name, url));
        }
        file::set(root, &name, &entry);
        Ok(())
    });
    let lock = Lock::Directory(lock);
    Ok(Delivery::Files(vec![change.locked(lock)]))
}

/// Returns the entry. opencode uses it only if the URL is the one of its configuration, byte for byte.
fn entry(handover: &Handover) -> Value {
    let login = handover.login;
    let tokens = sdk::present(json!({
        "accessToken": login.access_token.expose(),
        "refreshToken": sdk::refresh_token(handover),
        "expiresAt": login.expires_at.map(|time| time.unix_seconds()),
        "scope": sdk::scope(login),
    }));
    let client = sdk::present(json!({
        "clientId": login.client_id,
        "clientSecret": sdk::client_secret(login),
    }));
    sdk::present(json!({
        "tokens": tokens,
        "clientInfo": (handover.mode != Mode::Access).then_some(client),
        "serverUrl": handover.url,
    }))
}

/// Returns the name of opencode's lock on the file.
fn lock_name(path: &Path) -> String {
    let hash = digest::sha1(format!("mcp-auth:{}", path.display()));
    digest::hex(&hash, hash.len()) + ".lock"
}

#[cfg(test)]
mod tests {
    use super::super::sdk::tests::{
        changes, confidential, configured, edited, handover, login, places, URL,
    };
    use super::*;

    #[test]
    fn u24_a_moved_login_refreshes_there() {
        let login = confidential();
        let opencode = Handover {
            client: "opencode",
            ..handover(&login, Mode::Move)
        };
        let kilo = Handover {
            client: "kilo",
            ..handover(&login, Mode::Move)
        };
        let of_kilo = changes(deliver(&kilo, &places(&[])));
        assert_eq!(
            of_kilo[0].path,
            Path::new("/home/ann/.local/share/kilo/mcp-auth.json")
        );
        let changes = changes(deliver(&opencode, &places(&[])));
        let [change] = changes.as_slice() else {
            panic!("one file")
        };
        assert_eq!(
            change.path,
            Path::new("/home/ann/.local/share/opencode/mcp-auth.json")
        );
        // Its name is a hash of the path as the system writes it.
        let name = match cfg!(windows) {
            true => "1fb12d40f13066b4ee1c54cc2f30388241a4fb42",
            false => "c0d7c3f1f2face93fe10e63a3d0d8ff22156eb42",
        };
        let lock = format!("/home/ann/.local/state/opencode/locks/{name}.lock");
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
        let refused = change.apply(Some(r#"{"b": 7}"#));
        assert!(matches!(refused, Err(HandoverError::UnknownFormat { .. })));
    }

    #[test]
    fn cm1_without_the_refresh_token_it_registers_for_itself() {
        let mut login = login();
        (login.expires_at, login.scopes) = (None, Vec::new());
        let places = places(&[("XDG_DATA_HOME", "/data"), ("XDG_STATE_HOME", "/state")]);
        let configured = configured(
            "opencode",
            json!({"type": "remote", "oauth": {"clientId": "another"}}),
        );
        let lent = Handover {
            client: "opencode",
            configured: Some(&configured),
            url: "https://mcp.example.com/mcp/",
            ..handover(&login, Mode::Access)
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
