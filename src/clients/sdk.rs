//! The format of a login in the MCP SDKs for TypeScript and Python, which many clients use.

use serde_json::{json, Value};
use url::Url;

use super::{Handover, HandoverError, Mode};
use crate::os::clock::Time;
use crate::store::Credentials;

/// Returns an object with the members of another one that are not null: the SDKs accept no null.
pub fn with(mut object: Value, more: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (object.as_object_mut(), more) {
        members.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    object
}

/// Returns an object without its members that are null.
pub fn present(object: Value) -> Value {
    with(json!({}), object)
}

/// Returns the refresh token, unless the client gets access tokens only.
pub fn refresh_token<'a>(handover: &'a Handover) -> Option<&'a str> {
    let token = handover.login.refresh_token.as_ref();
    token
        .filter(|_| handover.mode != Mode::Access)
        .map(|token| token.expose())
}

/// Returns the client secret, if there is one.
pub fn client_secret(login: &Credentials) -> Option<&str> {
    login.client_secret.as_ref().map(|secret| secret.expose())
}

/// Returns the granted scopes in the format of a token response.
pub fn scope(login: &Credentials) -> Option<String> {
    (!login.scopes.is_empty()).then(|| login.scopes.join(" "))
}

/// Returns a time in milliseconds since 1970, as JavaScript has it.
pub fn milliseconds(time: Time) -> i64 {
    time.unix_seconds().saturating_mul(1000)
}

/// Returns the tokens: `OAuthTokens`, without the expiry, which each client has in another format.
pub fn tokens(handover: &Handover) -> Value {
    present(json!({
        "access_token": handover.login.access_token.expose(),
        "token_type": "Bearer",
        "refresh_token": refresh_token(handover),
        "scope": scope(handover.login),
    }))
}

/// Returns the OAuth client that the tokens were issued to: `OAuthClientInformation`.
pub fn client(login: &Credentials) -> Value {
    present(json!({
        "client_id": login.client_id,
        "client_secret": client_secret(login),
        "token_endpoint_auth_method": login.client_auth,
    }))
}

/// Returns the tokens for the SDK for Python: with the whole lifetime of the access token, in seconds.
pub fn python_tokens(handover: &Handover) -> Value {
    let login = handover.login;
    let lifetime = |at: Time| at.seconds_since(login.obtained_at).max(1);
    with(
        tokens(handover),
        json!({"expires_in": login.expires_at.map(lifetime)}),
    )
}

/// Returns the OAuth client for the SDK for Python: `OAuthClientInformationFull`.
pub fn python_client(login: &Credentials) -> Value {
    let registration = json!({
        "redirect_uris": [login.redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "issuer": python_issuer(login),
    });
    with(client(login), registration)
}

/// Returns the issuer, unless the SDK for Python would normalize it: it compares issuers as text. Without an issuer, a
/// client binds the login to the first one that it discovers.
pub fn python_issuer(login: &Credentials) -> Option<&str> {
    let bare = |text: &str| text.trim_end_matches('/').to_owned();
    let written = Url::parse(&login.issuer).ok()?;
    (bare(written.as_str()) == bare(&login.issuer)).then_some(login.issuer.as_str())
}

/// Refuses a login that was made with another client of the authorization server than the one which the entry of the
/// configuration names at `pointer`.
///
/// # Errors
///
/// [`HandoverError::Unsuitable`].
pub fn check_client_id(handover: &Handover, pointer: &str) -> Result<(), HandoverError> {
    let Some(configured) = handover.configured else {
        return Ok(());
    };
    let client_id = configured.entry.pointer(pointer).and_then(Value::as_str);
    if client_id.is_none_or(|client_id| client_id == handover.login.client_id) {
        return Ok(());
    }
    let (name, path) = (handover.name, configured.path.display());
    Err(HandoverError::unsuitable(
        format!("{name} is configured with a client_id that this login was not made with"),
        format!(
            "log in with that one and --client-id, or remove it from {path}, and run this again"
        ),
    ))
}

#[cfg(test)]
pub mod tests {
    //! A login to hand over, for the tests of each client.

    use serde_json::{from_str, json};

    use std::sync::LazyLock;

    use super::super::config::ConfiguredServer;
    use super::super::ours::OwnCommand;
    use super::super::{Change, Delivery, Places};
    use super::*;
    use crate::oauth::client::ClientAuth;
    use crate::oauth::secret::Secret;
    use crate::os::clock::Time;
    use crate::store::{tests::credentials, Credentials, StoredId};

    /// The server of the login.
    pub const URL: &str = "https://mcp.example.com/mcp";

    /// The command of a client.
    pub static COMMAND: LazyLock<OwnCommand> = LazyLock::new(|| OwnCommand {
        program: "/opt/mcp-login".to_owned(),
        options: Vec::new(),
        server: "x".to_owned(),
    });

    /// Returns the login: of a public client, with a refresh token.
    pub fn login() -> Credentials {
        credentials(&StoredId {
            server: URL.to_owned(),
            profile: "default".to_owned(),
        })
    }

    /// Returns the login of a client with a secret.
    pub fn confidential() -> Credentials {
        Credentials {
            client_secret: Some(Secret::new("secret canary")),
            client_secret_expires_at: None,
            client_auth: ClientAuth::Post.into(),
            ..login()
        }
    }

    /// Returns the handover of a login.
    pub fn handover(login: &Credentials, mode: Mode) -> Handover<'_> {
        let now = Time::at(1_893_553_500);
        let (name, variable) = ("example", "BEARER");
        Handover {
            client: "client",
            login,
            name,
            url: URL,
            configured: None,
            metadata: None,
            mode,
            command: &COMMAND,
            variable,
            now,
        }
    }

    /// Returns a server as a configuration names it.
    pub fn configured(source: &'static str, entry: Value) -> ConfiguredServer {
        ConfiguredServer {
            source,
            name: "example".to_owned(),
            url: URL.to_owned(),
            written: URL.to_owned(),
            path: "/home/ann/settings.json".into(),
            project: None,
            in_project: false,
            entry,
        }
    }

    /// Returns the places of a user with these variables.
    pub fn places(variables: &[(&str, &str)]) -> Places {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = variables.iter().map(owned).collect();
        Places {
            home: "/home/ann".into(),
            directory: "/home/ann/repo".into(),
            variables,
            system: crate::os::places::System::Xdg,
        }
    }

    /// Returns the changes of files that a delivery is.
    pub fn changes(delivery: Result<Delivery, HandoverError>) -> Vec<Change> {
        match delivery.expect("a delivery") {
            Delivery::Files(changes) => changes,
            _ => panic!("no files"),
        }
    }

    /// Returns the text that a change makes, as JSON.
    pub fn edited(change: &Change, old: Option<&str>) -> Value {
        from_str(&change.apply(old).expect("a text")).expect("JSON")
    }

    #[test]
    fn cm1_without_the_refresh_token_we_stay_the_owner() {
        let login = confidential();
        let moved = json!({"access_token": "access canary 1", "token_type": "Bearer",
            "refresh_token": "refresh canary", "scope": "mcp"});
        assert_eq!(tokens(&handover(&login, Mode::Move)), moved);
        let lent =
            json!({"access_token": "access canary 1", "token_type": "Bearer", "scope": "mcp"});
        assert_eq!(tokens(&handover(&login, Mode::Access)), lent);
        let ours = json!({"client_id": "client", "client_secret": "secret canary",
            "token_endpoint_auth_method": "client_secret_post"});
        assert_eq!(client(&login), ours);
    }

    #[test]
    fn cw6_the_client_id_is_the_one_that_the_token_was_issued_to() {
        let login = login();
        for (id, fits) in [("client", true), ("another", false)] {
            let configured = configured("x", json!({"oauth": {"clientId": id}}));
            let handover = Handover {
                configured: Some(&configured),
                ..handover(&login, Mode::Move)
            };
            assert_eq!(
                check_client_id(&handover, "/oauth/clientId").is_ok(),
                fits,
                "{id}"
            );
            assert!(check_client_id(&handover, "/elsewhere").is_ok());
        }
    }

    #[test]
    fn an_issuer_that_would_be_written_in_another_way_is_left_out() {
        let key = StoredId {
            server: "https://mcp.example.com/mcp".into(),
            profile: "default".into(),
        };
        let written = |issuer: &str| {
            let login = Credentials {
                issuer: issuer.to_owned(),
                ..credentials(&key)
            };
            python_client(&login).get("issuer").cloned()
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
