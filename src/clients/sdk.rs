//! What the MCP SDKs call a login, and the clients that are built on them keep: `OAuthTokens` and
//! `OAuthClientInformation`.

use serde_json::{Map, Value};

use super::{Handover, HandoverError, Mode};

/// Returns the refresh token, if the client is to have it.
pub fn refresh_token<'a>(grant: &'a Handover) -> Option<&'a str> {
    grant
        .kept
        .refresh_token
        .as_ref()
        .filter(|_| grant.mode != Mode::Access)
        .map(|token| token.expose())
}

/// Returns the granted scopes as they stand in a token response.
pub fn scope(grant: &Handover) -> Option<String> {
    Some(grant.kept.scopes.join(" ")).filter(|scopes| !scopes.is_empty())
}

/// Returns the tokens. When they expire is left to the client, each of which says it in another way.
pub fn tokens(grant: &Handover) -> Map<String, Value> {
    let mut tokens = Map::new();
    set(
        &mut tokens,
        "access_token",
        Some(grant.kept.access_token.expose()),
    );
    set(&mut tokens, "token_type", Some("Bearer"));
    set(&mut tokens, "refresh_token", refresh_token(grant));
    set(&mut tokens, "scope", scope(grant));
    tokens
}

/// Returns the client that the tokens were issued to: only that one can refresh them.
pub fn client(grant: &Handover) -> Map<String, Value> {
    let mut client = Map::new();
    set(
        &mut client,
        "client_id",
        Some(grant.kept.client_id.as_str()),
    );
    set(
        &mut client,
        "client_secret",
        grant
            .kept
            .client_secret
            .as_ref()
            .map(|secret| secret.expose()),
    );
    set(
        &mut client,
        "token_endpoint_auth_method",
        Some(grant.kept.client_auth.as_str()),
    );
    client
}

/// Puts a value under a name, if there is one: the SDKs take no `null`.
pub fn set(object: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value.into());
    }
}

/// Refuses a login that the client would use as another client of the authorization server: the one at this place of its
/// configuration.
///
/// # Errors
///
/// [`HandoverError::Unsuitable`].
pub fn same_client(grant: &Handover, pointer: &str) -> Result<(), HandoverError> {
    let Some(configured) = grant.configured else {
        return Ok(());
    };
    let named = configured.entry.pointer(pointer).and_then(Value::as_str);
    match named {
        Some(named) if named != grant.kept.client_id => Err(HandoverError::Unsuitable {
            message: format!(
                "{} is configured with a client_id that this login was not made with",
                grant.name
            ),
            hint: format!(
                "log in with that one and --client-id, or remove it from {}, and run this again",
                configured.path.display()
            ),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub mod tests {
    //! A login to hand over, for the tests of each client.

    use serde_json::{from_str, json};

    use super::super::config::ConfiguredServer;
    use super::super::{Change, Delivery, Places};
    use super::*;
    use crate::oauth::secret::Secret;
    use crate::os::clock::Time;
    use crate::store::{tests::credentials, Credentials, StoredId};

    /// The server of the login.
    pub const URL: &str = "https://mcp.example.com/mcp";

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
            client_auth: "client_secret_post".to_owned(),
            ..login()
        }
    }

    /// Returns the grant of a login.
    pub fn grant(kept: &Credentials, mode: Mode) -> Handover<'_> {
        let now = Time(1_893_553_500);
        let (name, helper, variable) = ("example", "mcp-login headers x", "BEARER");
        Handover {
            kept,
            name,
            url: URL,
            configured: None,
            metadata: None,
            mode,
            helper,
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
        from_str(&(change.edit)(old).expect("a text")).expect("JSON")
    }

    #[test]
    fn cm1_without_the_refresh_token_we_stay_the_owner() {
        let kept = confidential();
        let moved = json!({"access_token": "access canary 1", "token_type": "Bearer",
            "refresh_token": "refresh canary", "scope": "mcp"});
        assert_eq!(Value::from(tokens(&grant(&kept, Mode::Move))), moved);
        let lent =
            json!({"access_token": "access canary 1", "token_type": "Bearer", "scope": "mcp"});
        assert_eq!(Value::from(tokens(&grant(&kept, Mode::Access))), lent);
        let ours = json!({"client_id": "client", "client_secret": "secret canary",
            "token_endpoint_auth_method": "client_secret_post"});
        assert_eq!(Value::from(client(&grant(&kept, Mode::Move))), ours);
    }

    #[test]
    fn cw6_the_client_id_is_the_one_that_the_token_was_issued_to() {
        let kept = login();
        for (id, fits) in [("client", true), ("another", false)] {
            let configured = configured("x", json!({"oauth": {"clientId": id}}));
            let grant = Handover {
                configured: Some(&configured),
                ..grant(&kept, Mode::Move)
            };
            assert_eq!(same_client(&grant, "/oauth/clientId").is_ok(), fits, "{id}");
            assert!(same_client(&grant, "/elsewhere").is_ok());
        }
    }
}
