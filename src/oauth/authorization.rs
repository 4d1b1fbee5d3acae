//! The authorization request: its scopes, and the URL that the browser opens.

use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use url::Url;

use super::endpoint;
use super::secret::Secret;

/// The scope by which OpenID providers give out a refresh token.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scope by which OpenID providers give out an ID token.
const OPENID: &str = "openid";

/// Most scopes of a server that are requested.
const MAX_OFFERED: usize = 100;

/// Most bytes of scopes of a server that are requested, so that browsers can open the URL.
const MAX_OFFERED_BYTES: usize = 4096;

/// Where the scopes of a request may come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScopeSources<'a> {
    /// The scopes that the user names; if there are any, exactly these are requested.
    pub asked: &'a [String],
    /// What the server's challenge names.
    pub challenged: &'a [String],
    /// What was asked for before at the same server, where a challenge names what it wants now.
    pub before: &'a [String],
    /// What the protected resource lists.
    pub resource: &'a [String],
    /// What the authorization server lists.
    pub server: &'a [String],
}

/// Chooses the scopes of a request: the user's, else the challenge's, else all that the resource lists; none means
/// that the parameter is left out. Scopes asked for before are kept, and `offline_access` joins where it is listed.
///
/// Returns also how many scopes that the server offers are left out: those that are none, and those that are too many.
///
/// Spec: MCP 2026-07-28, Scope Selection Strategy, Step-Up Authorization Flow, Refresh Tokens.
pub fn choose_scopes(sources: ScopeSources) -> (Vec<String>, usize) {
    let mut scopes = Vec::new();
    if !sources.asked.is_empty() {
        add(&mut scopes, sources.asked);
        return (scopes, 0);
    }
    let named = if sources.challenged.is_empty() {
        sources.resource
    } else {
        sources.challenged
    };
    let (offered, left_out) = limited(named);
    add(&mut scopes, sources.before);
    add(&mut scopes, &offered);
    if !scopes.is_empty() && sources.server.iter().any(|scope| scope == OFFLINE_ACCESS) {
        add_offline_access(&mut scopes);
    }
    (scopes, left_out)
}

fn add(scopes: &mut Vec<String>, more: &[String]) {
    for scope in more {
        if !scope.is_empty() && !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
}

/// Returns what a request may hold of the scopes that a server offers, and how many are left out.
fn limited(offered: &[String]) -> (Vec<String>, usize) {
    let (mut taken, mut bytes, mut left_out) = (Vec::new(), 0, 0);
    for scope in offered {
        let size = scope.len() + 1;
        if !is_scope(scope) || taken.len() == MAX_OFFERED || bytes + size > MAX_OFFERED_BYTES {
            left_out += 1;
        } else {
            bytes += size;
            taken.push(scope.clone());
        }
    }
    (taken, left_out)
}

/// Tells whether a text is one scope.
///
/// Spec: RFC 6749 section 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

fn add_offline_access(scopes: &mut Vec<String>) {
    if !scopes.iter().any(|scope| scope == OFFLINE_ACCESS) {
        scopes.push(OFFLINE_ACCESS.to_owned());
    }
}

/// One authorization request, but for its secrets.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest<'a> {
    /// The authorization endpoint; its query is kept.
    pub endpoint: &'a Url,
    /// The client identifier.
    pub client_id: &'a str,
    /// The redirect URI, byte for byte.
    pub redirect_uri: &'a str,
    /// The scopes; none leaves the parameter out.
    pub scopes: &'a [String],
    /// The RFC 8707 resource, byte for byte; `None` leaves the parameter out.
    pub resource: Option<&'a str>,
    /// The account that the server should offer.
    pub login_hint: Option<&'a str>,
    /// What the user adds; wins over `prompt` and `login_hint` of ours.
    pub extra: &'a [(String, String)],
}

impl AuthorizationRequest<'_> {
    /// Returns the URL to open, without characters that mean something to a shell.
    ///
    /// # Errors
    ///
    /// If the redirect URI is not a URL.
    ///
    /// Spec: RFC 6749 section 4.1.1; RFC 7636 section 4.3; RFC 8707 section 2.
    pub fn url(
        &self,
        state: &Secret,
        verifier: &PkceCodeVerifier,
        nonce: Option<&Secret>,
    ) -> Result<String, url::ParseError> {
        let client = BasicClient::new(ClientId::new(self.client_id.to_owned()))
            .set_auth_uri(AuthUrl::from_url(self.endpoint.clone()))
            .set_redirect_uri(RedirectUrl::new(self.redirect_uri.to_owned())?);
        let mut request = client
            .authorize_url(|| CsrfToken::new(state.expose().to_owned()))
            .add_scopes(self.scopes.iter().map(|scope| Scope::new(scope.clone())))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(verifier));
        let nonce = nonce.filter(|_| self.given("nonce").is_none());
        let nonce = nonce.map(|nonce| ("nonce".to_owned(), nonce.expose().to_owned()));
        for (name, value) in self.parameters().into_iter().chain(nonce) {
            request = request.add_extra_param(name, value);
        }
        Ok(endpoint::canonical(&request.url().0))
    }

    /// Returns the value that the user gives to a parameter.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.extra
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    /// Tells whether an ID token is requested, and so a nonce is sent.
    ///
    /// Spec: OpenID Connect Core 1.0 section 3.1.2.1.
    pub fn asks_for_identity(&self) -> bool {
        self.scopes.iter().any(|scope| scope == OPENID)
    }

    fn parameters(&self) -> Vec<(String, String)> {
        let mut parameters = self.extra.to_vec();
        let offline = self.scopes.iter().any(|scope| scope == OFFLINE_ACCESS);
        // OpenID Connect Core section 11: offline access needs the user's consent each time.
        for (name, value) in [
            ("prompt", offline.then_some("consent")),
            ("login_hint", self.login_hint),
        ] {
            if let Some(value) = value.filter(|_| self.given(name).is_none()) {
                parameters.push((name.to_owned(), value.to_owned()));
            }
        }
        if let Some(resource) = self.resource {
            parameters.push(("resource".to_owned(), resource.to_owned()));
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn m22_m23_m35_b13_which_scopes() {
        for (asked, challenged, before, resource, server, expected) in [
            ("", "", "", "", "", ""),
            ("", "", "", "", "offline_access", ""),
            ("", "a b", "", "c", "", "a b"),
            ("", "", "", "c d", "a", "c d"),
            ("", "", "", "c", "openid offline_access", "c offline_access"),
            (
                "",
                "a offline_access",
                "",
                "",
                "offline_access",
                "a offline_access",
            ),
            ("", "b c", "a b", "", "", "a b c"),
            ("x y x", "a", "b", "c", "offline_access", "x y"),
        ] {
            let (asked, challenged, before) = (list(asked), list(challenged), list(before));
            let (resource, server) = (list(resource), list(server));
            let sources = ScopeSources {
                asked: &asked,
                challenged: &challenged,
                before: &before,
                resource: &resource,
                server: &server,
            };
            assert_eq!(choose_scopes(sources), (list(expected), 0), "{sources:?}");
        }
    }

    #[test]
    fn m22_what_a_server_offers_has_its_limits() {
        let many: Vec<_> = (0..20_000)
            .map(|number| format!("scope-{number}"))
            .collect();
        let long: Vec<_> = (0..20).map(|number| format!("{number:0>1000}")).collect();
        let odd = [
            "",
            "a b",
            "a\"b",
            "a\\b",
            "a\u{7f}",
            "\u{e9}",
            "a\r\nb",
            "!#$%&'()*+,-./:;<=>?@[]^_`{|}~",
        ];
        let odd = odd.map(str::to_owned);
        for (offered, expected) in [
            (&many[..], &many[..100]),
            (&long, &long[..4]),
            (&odd, &odd[7..]),
        ] {
            let left_out = offered.len() - expected.len();
            for sources in [
                ScopeSources {
                    challenged: offered,
                    ..ScopeSources::default()
                },
                ScopeSources {
                    resource: offered,
                    ..ScopeSources::default()
                },
            ] {
                assert_eq!(choose_scopes(sources), (expected.to_vec(), left_out));
            }
        }
        let sources = ScopeSources {
            asked: &many[..200],
            before: &many,
            ..ScopeSources::default()
        };
        assert_eq!(choose_scopes(sources), (many[..200].to_vec(), 0));
    }

    fn url(endpoint: &str, scopes: &str, extra: &[(&str, &str)]) -> String {
        let endpoint = Url::parse(endpoint).expect("a URL");
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let request = AuthorizationRequest {
            endpoint: &endpoint,
            client_id: "https://app.example/client.json",
            redirect_uri: "http://127.0.0.1:50000/callback",
            scopes: &list(scopes),
            resource: Some("http://h:1"),
            login_hint: Some("ann@example.com"),
            extra: &extra.iter().map(own).collect::<Vec<_>>(),
        };
        let verifier =
            PkceCodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        request
            .url(&Secret::new("s"), &verifier, Some(&Secret::new("n")))
            .expect("a URL")
            .replace("&nonce=n", "")
    }

    #[test]
    fn a52_the_users_own_nonce_wins() {
        let endpoint = Url::parse("https://as.example/a").expect("a URL");
        let verifier = || PkceCodeVerifier::new("v".repeat(43));
        for (extra, expected) in [
            (&[][..], "nonce=n"),
            (&[("nonce".to_owned(), "own".to_owned())], "nonce=own"),
        ] {
            let request = AuthorizationRequest {
                endpoint: &endpoint,
                client_id: "c",
                redirect_uri: "http://127.0.0.1:1/callback",
                scopes: &list("openid"),
                resource: None,
                login_hint: None,
                extra,
            };
            assert!(request.asks_for_identity());
            let url = request
                .url(&Secret::new("s"), &verifier(), Some(&Secret::new("n")))
                .expect("a URL");
            assert_eq!(url.matches("nonce=").count(), 1, "{url}");
            assert!(url.contains(expected), "{url}");
            assert!(!request
                .url(&Secret::new("s"), &verifier(), None)
                .expect("a URL")
                .contains("nonce=n"));
        }
    }

    /// The verifier and its challenge are those of RFC 7636 appendix B; `resource` keeps its bytes (M21a).
    #[test]
    fn m20_the_whole_url() {
        assert_eq!(
            url(
                "https://as.example/authorize?tenant=1",
                "a b",
                &[("access_type", "offline")]
            ),
            "https://as.example/authorize?tenant=1&response_type=code\
             &client_id=https%3A%2F%2Fapp.example%2Fclient.json&state=s\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A50000%2Fcallback&scope=a+b&access_type=offline\
             &login_hint=ann%40example.com&resource=http%3A%2F%2Fh%3A1"
        );
    }

    #[test]
    fn m23b_prompt_and_hint_may_be_the_users() {
        let plain = url("https://as.example/a", "a offline_access", &[]);
        assert!(
            plain.contains("&prompt=consent&login_hint=ann%40example.com&"),
            "{plain}"
        );
        let own = url(
            "https://as.example/a",
            "a offline_access",
            &[("prompt", "login"), ("login_hint", "bob")],
        );
        assert!(
            own.contains("&prompt=login&login_hint=bob&resource="),
            "{own}"
        );
        assert!(!url("https://as.example/a", "", &[]).contains("scope="));
    }

    #[test]
    fn v1_every_byte_of_the_url_is_plain() {
        let text = url(
            "https://as.example/a|b;c?d='e'&f=(g)",
            "x*!'()",
            &[("p", "\"`$|;^&")],
        );
        let rest = text
            .strip_prefix("https://as.example/")
            .expect("the origin is kept");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%:@=&?+,".contains(&byte);
        assert!(rest.bytes().all(plain), "{text}");
    }
}
