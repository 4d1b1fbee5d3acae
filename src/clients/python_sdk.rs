//! What the MCP SDK for Python reads of a login: the models that Hermes and FastMCP keep in files of their own forms.

use serde_json::{json, Value};
use url::Url;

use super::Mode;
use crate::store::Credentials;

/// Returns the registration: `OAuthClientInformationFull`. Always with the way of authentication, which is guessed if it
/// is missing.
pub fn client(kept: &Credentials) -> Value {
    let mut client = json!({
        "client_id": kept.client_id,
        "redirect_uris": [kept.redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": kept.client_auth,
    });
    set(
        &mut client,
        "client_secret",
        kept.client_secret
            .as_ref()
            .map(|secret| secret.expose().into()),
    );
    set(&mut client, "issuer", issuer(kept).map(Value::from));
    client
}

/// Returns the tokens: `OAuthToken`, with the whole lifetime of the access token.
pub fn tokens(kept: &Credentials, mode: Mode) -> Value {
    let mut tokens = json!({"access_token": kept.access_token.expose(), "token_type": "Bearer"});
    let lifetime = kept
        .expires_at
        .map(|at| at.0.saturating_sub(kept.obtained_at.0).max(1));
    set(&mut tokens, "expires_in", lifetime.map(Value::from));
    set(
        &mut tokens,
        "scope",
        (!kept.scopes.is_empty()).then(|| kept.scopes.join(" ").into()),
    );
    let refresh_token = kept.refresh_token.as_ref().filter(|_| mode != Mode::Access);
    set(
        &mut tokens,
        "refresh_token",
        refresh_token.map(|token| token.expose().into()),
    );
    tokens
}

/// Returns the issuer, if the SDK writes it in the same way: it compares the text. Without it, a client binds the login to
/// the issuer that it finds first.
pub fn issuer(kept: &Credentials) -> Option<&str> {
    let bare = |text: &str| text.trim_end_matches('/').to_owned();
    let written = Url::parse(&kept.issuer).ok()?;
    (bare(written.as_str()) == bare(&kept.issuer)).then_some(kept.issuer.as_str())
}

/// Sets a member that has a value; a null is not the same as no member.
pub fn set(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(members), Some(value)) = (object.as_object_mut(), value) {
        members.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::credentials;
    use crate::store::StoredId;

    #[test]
    fn an_issuer_that_would_be_written_in_another_way_is_left_out() {
        let key = StoredId {
            server: "https://mcp.example.com/mcp".into(),
            profile: "default".into(),
        };
        let written = |issuer: &str| {
            let kept = Credentials {
                issuer: issuer.to_owned(),
                ..credentials(&key)
            };
            client(&kept).get("issuer").cloned()
        };
        for same in [
            "https://as.example",
            "https://as.example/",
            "https://as.example/a",
            "http://127.0.0.1:8000",
        ] {
            assert_eq!(written(same), Some(same.into()));
        }
        for other in [
            "https://AS.example",
            "https://as.example:443",
            "https://as.example/a/../b",
            "as.example",
        ] {
            assert_eq!(written(other), None, "{other}");
        }
    }
}
