//! The OAuth client: its registration, its client ID metadata document, and the methods of client authentication.

use serde::de::DeserializeOwned;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{json, Value};
use url::Url;

use super::body::without_byte_order_mark;
use super::endpoint::{self, UrlError};
use super::jwt::assertion::ClientKey;
use super::secret::Secret;
use crate::failure::words;
use crate::os::clock::Time;

/// Longest identifier of a client that a registration may give, in bytes: with a longer one no browser takes the address.
const MAX_CLIENT_ID_BYTES: usize = 16 * 1024;

words! {
    /// How the client proves who it is at the token endpoint.
    ///
    /// Spec: RFC 7591 section 2, `token_endpoint_auth_method`.
    ClientAuth {
        None "none" "it does not: a public client";
        Basic "client_secret_basic" "with the `Authorization` header";
        Post "client_secret_post" "with its secret in the body";
        PrivateKeyJwt "private_key_jwt" "with an assertion that its key has signed";
    }
}

impl ClientAuth {
    /// Returns the method to use: none without a secret; else the one the registration answer names; else the first
    /// of ours that the metadata lists; else Basic.
    ///
    /// Spec: RFC 7591 section 3.2.1; RFC 8414 section 2.
    pub fn choose(has_secret: bool, registered: Option<Self>, listed: Option<&[String]>) -> Self {
        if !has_secret {
            return Self::None;
        }
        registered
            .or_else(|| Self::first_of(listed?))
            .unwrap_or(Self::Basic)
    }

    /// Returns the method to ask for in a registration.
    pub fn to_register(listed: Option<&[String]>) -> Self {
        let lists_none = listed.is_none_or(|listed| listed.iter().any(|name| name == "none"));
        if lists_none {
            return Self::None;
        }
        listed.and_then(Self::first_of).unwrap_or(Self::None)
    }

    fn first_of(listed: &[String]) -> Option<Self> {
        let lists = |auth: &Self| listed.iter().any(|name| name == auth.as_str());
        [Self::Basic, Self::Post, Self::None]
            .into_iter()
            .find(lists)
    }
}

words! {
    /// Where the client identifier comes from.
    RegistrationKind {
        Static "static" "registered by hand";
        MetadataDocument "cimd" "a client ID metadata document";
        Dynamic "dcr" "dynamic registration";
    }
}

/// The client, as one authorization server knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// The client identifier.
    pub id: String,
    /// The client secret, if there is one.
    pub secret: Option<Secret>,
    /// When the secret expires, in seconds since 1970, if it does.
    pub secret_expires_at: Option<i64>,
    /// The key that signs its assertions, if it authenticates by them.
    pub key: Option<ClientKey>,
    /// How the client authenticates.
    pub auth: ClientAuth,
    /// Where the identifier comes from.
    pub kind: RegistrationKind,
}

impl Client {
    /// Returns a client without a secret.
    pub fn public(id: String, kind: RegistrationKind) -> Self {
        Self {
            id,
            secret: None,
            secret_expires_at: None,
            key: None,
            auth: ClientAuth::None,
            kind,
        }
    }

    /// Reads the client in the response to a registration request: the identifier, the secret, and what belongs to them.
    /// `None` if there is no identifier that can be used. A byte order mark is ignored. The server lists these methods of authentication.
    ///
    /// Spec: RFC 7591 section 3.2.1.
    pub fn registered(body: &[u8], listed: Option<&[String]>) -> Option<Self> {
        let body = without_byte_order_mark(body);
        let document: RegistrationDocument = serde_json::from_slice(body).ok()?;
        let id = &document.client_id;
        if id.is_empty() || id.len() > MAX_CLIENT_ID_BYTES || id.contains(char::is_control) {
            return None;
        }
        // A secret that was not asked for is kept: some endpoints accept only a client with a secret.
        let secret: Option<Secret> = optional(document.client_secret);
        let secret = secret.filter(|secret| !secret.expose().is_empty());
        let method: Option<String> = optional(document.token_endpoint_auth_method);
        let method = method.as_deref().and_then(ClientAuth::parse);
        let method = method.filter(|method| *method != ClientAuth::PrivateKeyJwt);
        Some(Self {
            id: document.client_id,
            auth: ClientAuth::choose(secret.is_some(), method, listed),
            secret,
            secret_expires_at: moment(document.client_secret_expires_at),
            key: None,
            kind: RegistrationKind::Dynamic,
        })
    }
}

/// Tells whether this error of an authorization server means that it does not know a client, or not any more.
///
/// Spec: RFC 6749 sections 4.1.2.1 and 5.2.
pub fn is_unknown(error: &str) -> bool {
    matches!(error, "invalid_client" | "unauthorized_client")
}

/// The grant of a login with a browser, as a client is registered for it.
///
/// Spec: RFC 7591 section 2.
pub const CODE_GRANT: &str = "authorization_code";

/// Returns the body of a registration request for these grants and refresh tokens.
///
/// Spec: RFC 7591 section 2; RFC 8628 section 3.4; MCP 2026-07-28, Dynamic Client Registration.
pub fn registration_request(
    redirect_uri: &str,
    auth: ClientAuth,
    scopes: &[String],
    grants: &[&str],
) -> Value {
    let code = grants.contains(&CODE_GRANT).then_some("code");
    let mut grant_types = grants.to_vec();
    grant_types.insert(grants.len().min(1), "refresh_token");
    let mut request = json!({
        "client_name": "mcp-login",
        "redirect_uris": [redirect_uri],
        "application_type": "native",
        "grant_types": grant_types,
        "response_types": code.as_slice(),
        "token_endpoint_auth_method": auth.as_str(),
    });
    if !scopes.is_empty() {
        request["scope"] = scopes.join(" ").into();
    }
    request
}

/// The response to a registration request. The optional members are read one by one: what one of them holds cannot make the identifier unreadable.
#[derive(Deserialize)]
struct RegistrationDocument<'a> {
    client_id: String,
    #[serde(borrow)]
    client_secret: Option<&'a RawValue>,
    #[serde(borrow)]
    client_secret_expires_at: Option<&'a RawValue>,
    #[serde(borrow)]
    token_endpoint_auth_method: Option<&'a RawValue>,
}

/// Returns an optional member; `None` if it is of another type than it should be.
fn optional<T: DeserializeOwned>(member: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(member?.get()).ok()
}

/// Returns a moment in seconds since 1970, written as a number or as text, that can be stored; `None` for never.
fn moment(member: Option<&RawValue>) -> Option<i64> {
    let text = member?.get().trim_matches('"').trim();
    let seconds = text
        .parse()
        .or_else(|_| text.parse().map(|seconds: f64| seconds as i64))
        .ok()?;
    Some(Time::at(seconds).unix_seconds()).filter(|seconds| *seconds > 0)
}

/// The client in a file that a provider's console hands out, such as Google's `client_secret.json`.
#[derive(Debug)]
pub struct ClientFile {
    /// The client identifier.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Option<Secret>,
    /// The redirect URI that the client must use; `None` if any loopback one will do.
    pub redirect_uri: Option<String>,
    /// The authorization endpoint and the token endpoint, if both are there.
    pub endpoints: Option<(String, String)>,
}

#[derive(Deserialize)]
struct ClientDocument {
    client_id: String,
    client_secret: Option<Secret>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    auth_uri: Option<String>,
    token_uri: Option<String>,
}

impl ClientFile {
    /// Reads the file: `{"installed": {…}}` for a desktop client, `{"web": {…}}` for one whose exact redirect URI
    /// is registered, or the members themselves.
    pub fn read(body: &[u8]) -> Option<Self> {
        let mut document: Value = serde_json::from_slice(body).ok()?;
        let (inner, exact) = match (
            document.get_mut("installed").map(Value::take),
            document.get_mut("web"),
        ) {
            (Some(installed), _) => (installed, false),
            (None, Some(web)) => (web.take(), true),
            (None, None) => (document, true),
        };
        let client: ClientDocument = serde_json::from_value(inner).ok()?;
        let loopback = |uri: &String| {
            uri.starts_with("http://")
                && Url::parse(uri).is_ok_and(|uri| endpoint::is_loopback(&uri))
        };
        Some(Self {
            client_id: client.client_id,
            client_secret: client.client_secret,
            redirect_uri: client
                .redirect_uris
                .into_iter()
                .find(loopback)
                .filter(|_| exact),
            endpoints: client.auth_uri.zip(client.token_uri),
        })
    }
}

/// Checks the URL of a client ID metadata document.
///
/// # Errors
///
/// What the URL breaks, as a sentence.
///
/// Spec: draft-ietf-oauth-client-id-metadata-document, Client Identifier; MCP 2026-07-28, Client ID Metadata Documents.
pub fn check_metadata_document_url(raw: &str) -> Result<(), String> {
    let url = endpoint::parse(raw).map_err(|why: UrlError| why.to_string())?;
    let path = raw.splitn(4, '/').nth(3).unwrap_or("");
    let dots = path
        .split(['/', '?'])
        .any(|segment| matches!(segment, "." | ".."));
    if url.scheme() != "https" {
        Err("it has to be https".to_owned())
    } else if path.is_empty() || path.starts_with('?') {
        Err("it has no path".to_owned())
    } else if dots {
        Err("its path has a dot segment".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::device;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn m28_which_client_authentication() {
        use ClientAuth::{Basic, None as Public, Post};
        for (secret, registered, listed, expected) in [
            (
                false,
                Some(Basic),
                Some(list(&["client_secret_basic"])),
                Public,
            ),
            (false, None, None, Public),
            (true, None, None, Basic),
            (true, None, Some(list(&["client_secret_post"])), Post),
            (
                true,
                None,
                Some(list(&["client_secret_post", "client_secret_basic"])),
                Basic,
            ),
            (true, None, Some(list(&["none"])), Public),
            (true, Some(Post), Some(list(&["none"])), Post),
            (
                true,
                Some(Public),
                Some(list(&["client_secret_basic"])),
                Public,
            ),
            (true, None, Some(list(&["private_key_jwt"])), Basic),
        ] {
            assert_eq!(
                ClientAuth::choose(secret, registered, listed.as_deref()),
                expected,
                "{secret} {listed:?}"
            );
        }
    }

    #[test]
    fn m16_what_is_asked_for() {
        use ClientAuth::{Basic, None as Public, Post};
        for (listed, expected) in [
            (None, Public),
            (Some(list(&["client_secret_basic", "none"])), Public),
            (
                Some(list(&["client_secret_post", "client_secret_basic"])),
                Basic,
            ),
            (Some(list(&["client_secret_post"])), Post),
            (Some(list(&["private_key_jwt"])), Public),
        ] {
            assert_eq!(
                ClientAuth::to_register(listed.as_deref()),
                expected,
                "{listed:?}"
            );
        }
        let request = registration_request(
            "http://127.0.0.1:1/callback",
            Public,
            &list(&["a", "b"]),
            &[CODE_GRANT],
        );
        assert_eq!(request["application_type"], "native");
        assert_eq!(
            request["grant_types"],
            json!(["authorization_code", "refresh_token"])
        );
        assert_eq!(request["scope"], "a b");
        assert!(
            registration_request("http://127.0.0.1:1/callback", Public, &[], &[CODE_GRANT])
                .get("scope")
                .is_none()
        );
        let both = [CODE_GRANT, device::GRANT_TYPE];
        let request = registration_request("http://127.0.0.1/callback", Public, &[], &both);
        let grants = json!(["authorization_code", "refresh_token", device::GRANT_TYPE]);
        assert_eq!(request["grant_types"], grants);
    }

    #[test]
    fn m16d_what_is_taken_from_the_answer() {
        let read = |text: &str| Client::registered(text.as_bytes(), None);
        let answer = read(
            r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":0,"issuer":"https://evil.example",
                "token_endpoint_auth_method":"client_secret_post","redirect_uris":[]}"#,
        )
        .expect("a registration");
        assert_eq!(answer.id, "c");
        assert_eq!(answer.secret, Some(Secret::new("s")));
        assert_eq!(answer.secret_expires_at, None);
        assert_eq!(answer.auth, ClientAuth::Post);
        let expiring =
            read(r#"{"client_id":"c","client_secret":"","client_secret_expires_at":99}"#);
        assert!(expiring.is_some_and(|it| it.secret.is_none() && it.secret_expires_at == Some(99)));
        for body in [
            "",
            "{}",
            "[]",
            r#"{"client_id":""}"#,
            r#"{"client_id":7}"#,
            r#"{"client_id":"a\nb"}"#,
        ] {
            assert!(read(body).is_none(), "{body}");
        }
        // Some servers write all that they have to know of a client into its identifier.
        for (length, is_read) in [
            (MAX_CLIENT_ID_BYTES, true),
            (MAX_CLIENT_ID_BYTES + 1, false),
        ] {
            let body = format!(r#"{{"client_id":"{}"}}"#, "c".repeat(length));
            assert_eq!(read(&body).is_some(), is_read, "{length}");
        }
    }

    #[test]
    fn e9_an_invalid_optional_member_affects_no_other() {
        for (value, expires_at) in [
            ("0", None),
            ("-1", None),
            ("null", None),
            ("true", None),
            ("[]", None),
            ("\"soon\"", None),
            ("1893553445", Some(1_893_553_445)),
            ("\"1893553445\"", Some(1_893_553_445)),
            ("1893553445.5", Some(1_893_553_445)),
            ("1893553445000", Some(253_402_300_799)),
            ("18446744073709551615", Some(253_402_300_799)),
            ("1e400", Some(253_402_300_799)),
            ("-1e400", None),
        ] {
            let body = format!(
                r#"{{"client_id":"c","client_secret":"s","client_secret_expires_at":{value}}}"#
            );
            let answer =
                Client::registered(body.as_bytes(), None).unwrap_or_else(|| panic!("{body}"));
            assert_eq!(
                (answer.secret, answer.secret_expires_at),
                (Some(Secret::new("s")), expires_at),
                "{body}"
            );
        }
        let odd = br#"{"client_id":"c","client_secret":7,"token_endpoint_auth_method":[1e400]}"#;
        let answer = Client::registered(odd, None).expect("a registration");
        assert_eq!((answer.secret, answer.auth), (None, ClientAuth::None));
    }

    #[test]
    fn client_files_of_both_kinds() {
        let read = |text: &str| ClientFile::read(text.as_bytes());
        let desktop =
            read(r#"{"installed":{"client_id":"c","client_secret":"s","redirect_uris":["http://localhost"]}}"#)
                .expect("a client");
        assert_eq!(
            (
                desktop.client_id.as_str(),
                desktop.redirect_uri,
                desktop.endpoints
            ),
            ("c", None, None)
        );
        let web = read(
            r#"{"web":{"client_id":"c","redirect_uris":["https://x.example/cb","http://localhost:8000/oauth2callback"],
                "auth_uri":"https://as.example/a","token_uri":"https://as.example/t"}}"#,
        )
        .expect("a client");
        assert_eq!(
            web.redirect_uri.as_deref(),
            Some("http://localhost:8000/oauth2callback")
        );
        assert_eq!(
            web.endpoints,
            Some((
                "https://as.example/a".to_owned(),
                "https://as.example/t".to_owned()
            ))
        );
        assert!(read(r#"{"client_id":"c"}"#).is_some());
        assert!(read(r#"{"type":"service_account"}"#).is_none());
        assert!(read("").is_none());
    }

    #[test]
    fn m15a_document_urls() {
        assert_eq!(
            check_metadata_document_url("https://app.example/client.json"),
            Ok(())
        );
        assert_eq!(
            check_metadata_document_url("https://app.example:8443/a/client.json?v=1"),
            Ok(())
        );
        for raw in [
            "http://app.example/client.json",
            "https://app.example",
            "https://app.example/",
            "https://app.example/?x",
            "https://app.example/a/../client.json",
            "https://app.example/./client.json",
            "https://me@app.example/client.json",
            "https://app.example/client.json#x",
            "client.json",
        ] {
            assert!(check_metadata_document_url(raw).is_err(), "{raw}");
        }
    }
}
