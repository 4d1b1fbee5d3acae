//! Codex: asks us for the headers of its requests, by its documented `http_headers_helper`; or gets the whole login, in
//! the file that it keeps its own in.

use std::path::{Path, PathBuf};

use serde_json::json;
use toml_edit::{value, DocumentMut, Item, Table, TomlError};
use zeroize::Zeroizing;

use super::{json as file, Change, Client, Delivery, Edit, Grant, Lock, Mode, Places, Refusal};
use crate::digest;

/// Codex 0.169 to 0.171.
pub const CLIENT: Client = Client {
    name: "codex",
    about: "runs `mcp-login headers` as its http_headers_helper",
    source: Some("codex"),
    asks_us: true,
    modes: &[Mode::Access, Mode::Move],
    deliver,
    note: "Codex reads its configuration when it starts",
};

/// What Codex would use in place of a helper's header.
const RIVALS: [&str; 1] = ["bearer_token_env_var"];

fn deliver(grant: &Grant, places: &Places) -> Result<Delivery, Refusal> {
    let home = places.path("CODEX_HOME").unwrap_or_else(|| places.home.join(".codex"));
    match grant.mode {
        Mode::Access => Ok(setting(grant, home.join("config.toml"))),
        Mode::Move | Mode::Copy => login(grant, &home),
    }
}

fn setting(grant: &Grant, path: PathBuf) -> Delivery {
    let (name, url, helper) = (grant.name.to_owned(), grant.url.to_owned(), grant.helper.to_owned());
    let edited = path.clone();
    let edit: Edit = Box::new(move |old| configure(&edited, old.unwrap_or_default(), &name, &url, &helper));
    let shown = configure(&path, "", grant.name, grant.url, grant.helper);
    let shown = shown.map(|text| text.trim_end().to_owned()).unwrap_or_default();
    Delivery::Setting { shown, change: Change { path, lock: None, secret: false, edit } }
}

/// Sets the helper of one server; everything else keeps its place, its comments and its form.
fn configure(path: &Path, old: &str, name: &str, url: &str, helper: &str) -> Result<Zeroizing<String>, Refusal> {
    let mut document: DocumentMut = old.parse().map_err(|err: TomlError| Refusal::unknown(path, err.message()))?;
    let mut hidden = Table::new();
    hidden.set_implicit(true);
    let servers = document.entry("mcp_servers").or_insert(Item::Table(hidden));
    let servers = servers.as_table_like_mut().ok_or_else(|| Refusal::unknown(path, "mcp_servers is not a table"))?;
    let server = servers.entry(name).or_insert(Item::Table(Table::new()));
    let server = server
        .as_table_like_mut()
        .ok_or_else(|| Refusal::unknown(path, format!("mcp_servers.{name} is not a table")))?;
    if let Some(rival) = RIVALS.iter().find(|rival| server.contains_key(rival)) {
        return Err(Refusal::Unfit {
            message: format!("{} sets {rival} for {name}, which wins over a helper", path.display()),
            hint: format!("remove {rival} there, and run this again"),
        });
    }
    match server.get("url").map(|found| found.as_str().unwrap_or_default()) {
        None => drop(server.insert("url", value(url))),
        // The token of this server would go to that one.
        Some(found) if found != url => return Err(Refusal::other_server(path, name, found)),
        Some(_) => {}
    }
    server.insert("http_headers_helper", value(helper));
    Ok(Zeroizing::new(document.to_string()))
}

/// Puts the login into the file of Codex's own logins, under Codex's own lock.
fn login(grant: &Grant, home: &Path) -> Result<Delivery, Refusal> {
    let kept = grant.kept;
    if kept.client_secret.is_some() {
        return Err(Refusal::Unfit {
            message: "Codex keeps no client secret, and this login needs one to be refreshed".to_owned(),
            hint: "leave out --mode move: Codex then asks mcp-login for live tokens".to_owned(),
        });
    }
    let entry = json!({
        "server_name": grant.name,
        "server_url": grant.url,
        "client_id": kept.client_id,
        "access_token": kept.access_token.expose(),
        "expires_at": kept.expires_at.map(|time| time.0.saturating_mul(1000)),
        "refresh_token": kept.refresh_token.as_ref().map(|token| token.expose()),
        "scopes": kept.scopes,
        "issuer": kept.issuer,
    });
    let (path, key) = (home.join(".credentials.json"), key(grant.name, grant.url));
    let edited = path.clone();
    let edit: Edit = Box::new(move |old| {
        file::edit(&edited, old, |root| {
            file::set(root, &key, &entry);
            Ok(())
        })
    });
    let lock = Some(Lock::File(home.join("mcp-oauth-locks/file-store.lock")));
    Ok(Delivery::Files(vec![Change { path, lock, secret: true, edit }]))
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
        assert_eq!(key("example", "https://mcp.example.com/mcp"), "example|4282f2a9112820d2");
    }

    #[test]
    fn cw3_the_rest_of_the_configuration_is_kept() {
        let old = "model = \"x\" # mine\n\n[mcp_servers.a]\nurl = \"https://a.example\"\n\n[mcp_servers.\"b c\"]\n\
                   url = \"https://b.example\" # theirs\nscopes = [\"s\"]\n";
        let at = |old: &str, name: &str, url: &str| configure(Path::new("f"), old, name, url, "mcp-login h");
        let edit = |old: &str, name: &str| at(old, name, "https://new.example");
        assert!(matches!(edit(old, "b c"), Err(Refusal::Unfit { .. })), "the token of one server is none for another");
        let new = at(old, "b c", "https://b.example").expect("a text").to_string();
        assert_eq!(new, format!("{old}http_headers_helper = \"mcp-login h\"\n"));
        assert_eq!(*at(&new, "b c", "https://b.example").expect("a text"), new, "once more changes nothing");
        let new = edit(old, "d").expect("a text").to_string();
        let added = "\n[mcp_servers.d]\nurl = \"https://new.example\"\nhttp_headers_helper = \"mcp-login h\"\n";
        assert_eq!(new, format!("{old}{added}"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for old in ["mcp_servers = 7", "[mcp_servers]\na = 1", "= broken"] {
            let refused = configure(Path::new("f"), old, "a", "u", "h");
            assert!(matches!(refused, Err(Refusal::Unknown { .. })), "{old}");
        }
        let broken = configure(Path::new("f"), "a = CANARY CANARY", "a", "u", "h").expect_err("no TOML");
        assert!(!broken.to_string().contains("CANARY"), "{broken}");
        let rival = "[mcp_servers.a]\nbearer_token_env_var = \"X\"\n";
        let refused = configure(Path::new("f"), rival, "a", "u", "h");
        assert!(matches!(refused, Err(Refusal::Unfit { .. })));
    }
}
