//! Codex: asks us for the headers of its requests, by its documented `http_headers_helper`; or gets the whole login, in
//! the file that it keeps its own in.

use std::path::Path;

use serde_json::{json, Map, Value};
use toml_edit::{DocumentMut, Item, TomlError};
use zeroize::Zeroizing;

use super::setting::{EntryPlace, Setting};
use super::{json as file, ours, sdk, writer};
use super::{Change, Delivery, Handover, HandoverError, Lock, Mode, Places, Target};
use crate::digest;
use crate::oauth::text::{printable, quoted};
use crate::store::keyring;

/// Codex 0.169 to 0.171.
pub const TARGET: Target = Target {
    name: "codex",
    about: "runs `mcp-login headers` as its http_headers_helper",
    source: Some("codex"),
    asks_us: true,
    plain_names: true,
    modes: &[Mode::Access, Mode::Move],
    deliver,
    note: "Codex reads its configuration when it starts",
    ..Target::NEW
};

/// The setting that makes Codex ask us.
const HELPER: &str = "http_headers_helper";

/// The setting for a variable with a token, and the tables of headers: Codex prefers them to the helper and to a login.
const TOKEN_VARIABLE: &str = "bearer_token_env_var";
const HEADERS: [&str; 2] = ["http_headers", "env_http_headers"];

/// The key of the servers.
const SERVERS: &str = "mcp_servers";

/// The service under which Codex keeps its own logins in the keyring.
const KEYRING_SERVICE: &str = "Codex MCP Credentials";

/// The configuration of Codex.
const CONFIG: &str = "config.toml";

/// The file of Codex's own logins.
const CREDENTIALS: &str = ".credentials.json";

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let home = places.path_or("CODEX_HOME", ".codex");
    refuse_login_in_keyring(handover, &home)?;
    if let Some(configured) = handover.configured {
        refuse_rival(&configured.path, handover.name, &configured.entry)?;
    }
    match handover.mode {
        Mode::Access => setting(handover, &home),
        Mode::Move | Mode::Copy => login(handover, &home),
    }
}

/// Returns the text of a file; `None` if there is none, or it cannot be read.
fn text_of(path: &Path) -> Option<Zeroizing<String>> {
    writer::read_text(path, false).ok().flatten()
}

fn setting(handover: &Handover, home: &Path) -> Result<Delivery, HandoverError> {
    Ok(Delivery::Setting(
        Box::new(helper_setting(handover, home)),
        older(handover, home)?,
    ))
}

fn helper_setting(handover: &Handover, home: &Path) -> Setting {
    let place = EntryPlace {
        path: home.join(CONFIG),
        keys: vec![SERVERS.to_owned()],
        name: handover.name.to_owned(),
        is_list: false,
    };
    Setting {
        usual: json!({"url": handover.url}),
        members: json!({HELPER: handover.command.shell("headers")}),
        check: refuse_rival,
        ..Setting::new(handover, place)
    }
}

fn parse(path: &Path, text: &str) -> Result<DocumentMut, HandoverError> {
    text.parse()
        .map_err(|err: TomlError| HandoverError::unknown(path, err.message()))
}

/// Refuses a server with a setting that Codex would use in place of our token.
fn refuse_rival(path: &Path, name: &str, server: &Value) -> Result<(), HandoverError> {
    let refuse = |rival: &str| {
        let (path, name) = (path.display(), printable(name));
        Err(HandoverError::unsuitable(
            format!("{path} sets {rival} for {name}, which Codex uses in place of the login"),
            format!("remove {rival} there, and run this again"),
        ))
    };
    if server.get(TOKEN_VARIABLE).is_some() {
        return refuse(TOKEN_VARIABLE);
    }
    for table in HEADERS {
        for (header, _) in server[table].as_object().into_iter().flatten() {
            if header.eq_ignore_ascii_case("authorization") {
                return refuse(&format!("{table}.{header}"));
            }
        }
    }
    Ok(())
}

/// Returns the removal of a login that we gave to Codex before, and that it would go on using.
///
/// # Errors
///
/// [`HandoverError::Unsuitable`] if Codex has made that login itself.
fn older(handover: &Handover, home: &Path) -> Result<Option<Change>, HandoverError> {
    let path = home.join(CREDENTIALS);
    let (name, url) = (handover.name.to_owned(), handover.url.to_owned());
    let is_meant = move |entry: &Value| {
        entry["server_name"] == name.as_str() && entry["server_url"] == url.as_str()
    };
    let text = text_of(&path).unwrap_or_default();
    let mut logins: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    logins.retain(|_, entry| is_meant(entry));
    if logins.is_empty() {
        return Ok(None);
    }
    let client_id = handover.login.client_id.as_str();
    if logins.values().any(|entry| entry["client_id"] != client_id) {
        return Err(older_login(&path.display().to_string(), handover.name));
    }
    let change = file::change(path, move |_, root| {
        for entry in root.properties() {
            if entry.to_serde_value().is_some_and(|value| is_meant(&value)) {
                entry.remove();
            }
        }
        Ok(())
    });
    Ok(Some(change.locked(lock(home))))
}

/// Codex has a login of its own, which it would use.
fn older_login(place: &str, name: &str) -> HandoverError {
    HandoverError::unsuitable(
        format!(
            "{place} holds an older login of Codex to {}, which it uses in place of this one",
            printable(name)
        ),
        format!(
            "run `codex mcp logout {}`, and run this again",
            printable(&quoted(name))
        ),
    )
}

/// Refuses a hand-over while the keyring holds a login of Codex to the server, unless Codex is set to use its file. If
/// the keyring cannot be read, Codex cannot read it either, or asks the user.
fn refuse_login_in_keyring(handover: &Handover, home: &Path) -> Result<(), HandoverError> {
    let path = home.join(CONFIG);
    let text = text_of(&path).unwrap_or_default();
    if let Ok(document) = parse(&path, &text) {
        let store = document.get("mcp_oauth_credentials_store");
        if store.and_then(Item::as_str) == Some("file") {
            return Ok(());
        }
    }
    match keyring::holds(KEYRING_SERVICE, key(handover.name, handover.url)) {
        Ok(true) => Err(older_login("the keyring", handover.name)),
        Ok(false) | Err(_) => Ok(()),
    }
}

fn lock(home: &Path) -> Lock {
    Lock::File(home.join("mcp-oauth-locks/file-store.lock"))
}

/// Puts the login into the file of Codex's own logins, under Codex's own lock; a helper of ours would come before it.
fn login(handover: &Handover, home: &Path) -> Result<Delivery, HandoverError> {
    let login = handover.login;
    if login.client_secret.is_some() {
        return Err(HandoverError::unsuitable(
            "Codex keeps no client secret, and this login needs one to be refreshed",
            "leave out --mode move: Codex then asks mcp-login for live tokens",
        ));
    }
    let entry = json!({
        "server_name": handover.name,
        "server_url": handover.url,
        "client_id": login.client_id,
        "access_token": login.access_token.expose(),
        "expires_at": login.expires_at.map(sdk::milliseconds),
        "refresh_token": sdk::refresh_token(handover),
        "scopes": login.scopes,
        "issuer": login.issuer,
    });
    let key = key(handover.name, handover.url);
    let tokens = file::change(home.join(CREDENTIALS), move |_, root| {
        file::set(root, &key, &entry);
        Ok(())
    });
    let mut changes = Vec::from_iter(without_helper(handover, home)?);
    changes.push(tokens.locked(lock(home)));
    Ok(Delivery::Files(changes))
}

/// Returns the removal of our own helper from the configuration; `None` if it holds none.
///
/// # Errors
///
/// [`HandoverError::Unsuitable`] for a helper of another program, [`HandoverError::UnknownFormat`] for a file that is
/// not in the known format.
fn without_helper(handover: &Handover, home: &Path) -> Result<Option<Change>, HandoverError> {
    let setting = helper_setting(handover, home);
    let place = setting.place;
    let remove = move |old: &str| {
        let entry = place.read(old)?;
        let Some(mut entry) = entry.filter(|it| setting.urls.iter().any(|url| it["url"] == *url))
        else {
            return Ok(None);
        };
        let Some(helper) = entry.as_object_mut().and_then(|it| it.remove(HELPER)) else {
            return Ok(None);
        };
        if !helper.as_str().is_some_and(ours::is_helper) {
            let (path, name) = (place.path.display(), printable(&place.name));
            return Err(HandoverError::unsuitable(
                format!("{path} sets {HELPER} for {name} to another program"),
                format!("remove {HELPER} there, and run this again"),
            ));
        }
        place.write(old, Some(&entry)).map(Some)
    };
    let path = home.join(CONFIG);
    match text_of(&path) {
        Some(text) if remove(&text)?.is_some() => {}
        _ => return Ok(None),
    }
    Ok(Some(Change::shared(path, move |_, old| {
        let old = old.unwrap_or_default();
        Ok(remove(old)?.unwrap_or_else(|| Zeroizing::new(old.to_owned())))
    })))
}

/// Returns the key of an entry; the headers are left out of it, whatever the configuration says.
fn key(name: &str, url: &str) -> String {
    let hashed = format!(r#"{{"type":"http","url":{},"headers":{{}}}}"#, json!(url));
    let hash = digest::hex(&digest::sha256(hashed), 8);
    format!("{name}|{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_entry() {
        assert_eq!(
            key("example", "https://mcp.example.com/mcp"),
            "example|4282f2a9112820d2"
        );
    }

    /// Returns the text of the configuration with our helper for a server.
    fn configure(old: &str, name: &str, url: &str) -> Result<String, HandoverError> {
        let login = sdk::tests::login();
        let handover = Handover {
            name,
            url,
            ..sdk::tests::handover(&login, Mode::Access)
        };
        let setting = helper_setting(&handover, Path::new("/home/ann/.codex"));
        setting.edit(Some(old)).map(|text| text.to_string())
    }

    #[test]
    fn cw3_the_rest_of_the_configuration_stays() {
        let old = "model = \"x\" # mine\n\n[mcp_servers.a]\nurl = \"https://a.example\"\n\n[mcp_servers.\"b c\"]\n\
                   url = \"https://b.example\" # theirs\nscopes = [\"s\"]\n";
        let refused = configure(old, "b c", "https://new.example");
        assert!(
            matches!(refused, Err(HandoverError::Unsuitable { .. })),
            "the token of one server is not valid for another"
        );
        let new = configure(old, "b c", "https://b.example").expect("a text");
        let helper = "http_headers_helper = \"/opt/mcp-login headers x\"\n";
        assert_eq!(new, format!("{old}{helper}"));
        let again = configure(&new, "b c", "https://b.example").expect("a text");
        assert_eq!(again, new, "once more changes nothing");
        let new = configure(old, "d", "https://new.example").expect("a text");
        let added = format!("\n[mcp_servers.d]\nurl = \"https://new.example\"\n{helper}");
        assert_eq!(new, format!("{old}{added}"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for old in ["mcp_servers = 7", "[mcp_servers]\na = 1", "= broken"] {
            let refused = configure(old, "a", "u");
            assert!(
                matches!(refused, Err(HandoverError::UnknownFormat { .. })),
                "{old}"
            );
        }
        let broken = configure("a = CANARY CANARY", "a", "u").expect_err("no TOML");
        assert!(!broken.to_string().contains("CANARY"), "{broken}");
    }

    #[test]
    fn f3_what_codex_would_send_in_place_of_the_token_is_named() {
        for (setting, named) in [
            ("bearer_token_env_var = \"X\"", Some("bearer_token_env_var")),
            (
                "http_headers = { Authorization = \"Bearer old\" }",
                Some("http_headers.Authorization"),
            ),
            (
                "http_headers = { \"X-A\" = \"a\", AUTHORIZATION = \"Bearer old\" }",
                Some("http_headers.AUTHORIZATION"),
            ),
            (
                "http_headers.authorization = \"Bearer old\"",
                Some("http_headers.authorization"),
            ),
            (
                "[mcp_servers.a.env_http_headers]\nAuthorization = \"VAR\"",
                Some("env_http_headers.Authorization"),
            ),
            ("env_http_headers = { \"X-Authorization\" = \"VAR\" }", None),
            ("http_headers = {}", None),
        ] {
            let text = format!("[mcp_servers.a]\nurl = \"u\"\n{setting}\n");
            match (configure(&text, "a", "u"), named) {
                (Err(HandoverError::Unsuitable { message, .. }), Some(named)) => {
                    assert!(message.contains(named), "{message}")
                }
                (edited, named) => assert!(edited.is_ok() && named.is_none(), "{setting}"),
            }
        }
    }
}
