//! mcporter: takes the login by its documented command `mcporter vault set`.

use serde_json::{json, Map};
use zeroize::Zeroizing;

use super::sdk::{self, set};
use super::{Client, Delivery, Grant, Mode, Places, Refusal};

/// mcporter 0.12.
pub const CLIENT: Client = Client {
    name: "mcporter",
    about: "takes the login by `mcporter vault set`, and refreshes it itself",
    source: Some("mcporter"),
    asks_us: false,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "mcporter uses it from its next call; restart its daemon, if it runs",
};

fn deliver(grant: &Grant, _: &Places) -> Result<Delivery, Refusal> {
    let mut tokens = sdk::tokens(grant);
    // In seconds. With `expires_in` in its place mcporter spends the refresh token at once.
    set(&mut tokens, "expires_at", grant.kept.expires_at.map(|time| time.0));
    let mut payload = Map::new();
    set(&mut payload, "tokens", Some(tokens));
    if grant.mode != Mode::Access {
        sdk::same_client(grant, "/oauthClientId")?;
        set(&mut payload, "clientInfo", Some(sdk::client(grant)));
    }
    Ok(Delivery::Command {
        program: "mcporter",
        arguments: ["vault", "set", grant.name, "--stdin"].map(str::to_owned).into(),
        stdin: Zeroizing::new(json!(payload).to_string()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, Value};

    use super::super::sdk::tests::{confidential, configured, grant, login, places};
    use super::*;

    fn delivered(grant: &Grant) -> Value {
        match deliver(grant, &places(&[])).expect("a delivery") {
            Delivery::Command { program, arguments, stdin } => {
                assert_eq!((program, arguments.join(" ").as_str()), ("mcporter", "vault set example --stdin"));
                from_str(&stdin).expect("JSON")
            }
            _ => panic!("no command"),
        }
    }

    #[test]
    fn cw10_its_own_command_takes_the_login() {
        let kept = confidential();
        let moved = json!({
            "tokens": {"access_token": "access canary 1", "token_type": "Bearer", "refresh_token": "refresh canary",
                "scope": "mcp", "expires_at": 1_893_557_045},
            "clientInfo": {"client_id": "client", "client_secret": "secret canary",
                "token_endpoint_auth_method": "client_secret_post"},
        });
        assert_eq!(delivered(&grant(&kept, Mode::Move)), moved);
    }

    #[test]
    fn cm1_an_access_token_alone() {
        let mut kept = login();
        (kept.expires_at, kept.scopes) = (None, Vec::new());
        let configured = configured("mcporter", json!({"oauthClientId": "another"}));
        let lent = Grant { configured: Some(&configured), ..grant(&kept, Mode::Access) };
        assert_eq!(delivered(&lent), json!({"tokens": {"access_token": "access canary 1", "token_type": "Bearer"}}));
        let moved = Grant { mode: Mode::Move, ..lent };
        assert!(deliver(&moved, &places(&[])).is_err(), "it would refresh as another client");
    }
}
