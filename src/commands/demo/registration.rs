//! The clients of the demo's authorization server: programs of this machine that have registered.

use serde_json::{json, Value};
use url::{Host, Url};

use super::messages::OAuthError;
use crate::oauth::text::printable;
use crate::os::clock::Time;

/// Most redirect URIs of one client.
const MAX_REDIRECT_URIS: usize = 8;

/// A client that has registered.
pub struct RegisteredClient {
    /// What it calls itself, fit to be shown.
    pub name: String,
    /// Where answers may go, byte for byte.
    pub redirect_uris: Vec<String>,
}

impl RegisteredClient {
    /// Reads a registration.
    ///
    /// # Errors
    ///
    /// If its redirect URIs do not all lead to 127.0.0.1.
    ///
    /// Spec: RFC 7591 section 2; RFC 8252 section 7.3.
    pub fn read(body: &[u8]) -> Result<Self, OAuthError> {
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return Err(OAuthError(
                "invalid_client_metadata",
                "the registration is not JSON",
            ));
        };
        let listed = request
            .get("redirect_uris")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let own = |uri: &Value| {
            uri.as_str()
                .filter(|uri| is_on_this_machine(uri))
                .map(str::to_owned)
        };
        let redirect_uris: Option<Vec<_>> = listed.iter().map(own).collect();
        let Some(redirect_uris) =
            redirect_uris.filter(|uris| (1..=MAX_REDIRECT_URIS).contains(&uris.len()))
        else {
            return Err(OAuthError(
                "invalid_redirect_uri",
                "a client of the demo listens on http://127.0.0.1",
            ));
        };
        let name = request
            .get("client_name")
            .and_then(Value::as_str)
            .map(printable)
            .filter(|name| !name.is_empty());
        Ok(Self {
            name: name.unwrap_or_else(|| "a program without a name".to_owned()),
            redirect_uris,
        })
    }

    /// Returns the answer to the registration, but for the client identifier.
    ///
    /// Spec: RFC 7591 section 3.2.1.
    pub fn answer(&self) -> Value {
        json!({
            "client_id_issued_at": Time::now().0,
            "client_name": self.name,
            "redirect_uris": self.redirect_uris,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        })
    }
}

fn is_on_this_machine(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|url| {
        let loopback = matches!(url.host(), Some(Host::Ipv4(address)) if address.is_loopback());
        let plain =
            url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
        url.scheme() == "http" && loopback && plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_of_this_machine_register() {
        for (uris, good) in [
            (json!(["http://127.0.0.1:5000/callback"]), true),
            (
                json!(["http://127.0.0.1/", "http://127.0.0.2:1/x?y=z"]),
                true,
            ),
            (
                json!(["http://127.0.0.1:5000/callback", "https://evil.example/"]),
                false,
            ),
            (json!(["http://127.0.0.1.evil.example/"]), false),
            (json!(["http://evil.example@127.0.0.1/"]), false),
            (json!(["http://127.0.0.1/#x"]), false),
            (json!(["javascript:alert(1)"]), false),
            (json!([7]), false),
            (json!([]), false),
            (
                json!(vec!["http://127.0.0.1/"; MAX_REDIRECT_URIS + 1]),
                false,
            ),
            (Value::Null, false),
        ] {
            let body = json!({"redirect_uris": uris, "client_name": "x"}).to_string();
            assert_eq!(
                RegisteredClient::read(body.as_bytes()).is_ok(),
                good,
                "{body}"
            );
        }
        assert!(RegisteredClient::read(b"<html>").is_err());
    }
}
