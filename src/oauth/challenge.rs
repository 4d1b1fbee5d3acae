//! The `WWW-Authenticate` header, read as real servers write it.
//!
//! Servers leave out commas, quote with the wrong quotes or not at all, and put other schemes first; users paste the
//! header as a terminal shows it. A strict parser gives up on the whole header then, and the login with it. This
//! scanner never fails: it reads what it can and skips the rest.

use std::collections::BTreeSet;

use super::text::is_plain;

/// The error of a login that has too few scopes.
const INSUFFICIENT_SCOPE: &str = "insufficient_scope";

/// One challenge: a scheme and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The authentication scheme, in the server's spelling. Schemes are compared without regard to case.
    pub scheme: String,
    /// Names, in lower case, and values, unquoted, in the server's order.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Returns the value of the parameter `name`, given in lower case. If the server repeats it, the first one counts.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A `Bearer` challenge; an empty parameter counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BearerChallenge {
    /// The URL of the protected resource metadata, unchecked.
    pub resource_metadata: Option<String>,
    /// The scopes that the request needs, each once, in the server's order.
    pub scopes: Vec<String>,
    /// The error code, such as `invalid_token` or `insufficient_scope`.
    pub error: Option<String>,
    /// The description of the error: untrusted text.
    pub error_description: Option<String>,
}

impl BearerChallenge {
    /// Returns the challenge as the value of a header, without the description. Characters that cannot be quoted are left out.
    ///
    /// Spec: RFC 6750 section 3; RFC 9728 section 5.1.
    pub fn to_header(&self) -> String {
        let fits = |text: &&str| {
            text.bytes()
                .all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
        };
        let scopes: Vec<&str> = self
            .scopes
            .iter()
            .map(String::as_str)
            .filter(fits)
            .collect();
        let scope = Some(scopes.join(" ")).filter(|scope| !scope.is_empty());
        let parameters = [
            ("error", self.error.as_deref()),
            ("scope", scope.as_deref()),
            ("resource_metadata", self.resource_metadata.as_deref()),
        ];
        let said = parameters
            .iter()
            .filter_map(|(name, value)| Some((name, value.filter(fits)?)));
        let said: Vec<_> = said
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        format!("Bearer {}", said.join(", "))
    }
}

/// Reads every challenge in the values of the `WWW-Authenticate` headers of one response, in their order.
///
/// A parameter ahead of any scheme is ignored, as is the data of a `token68` challenge.
///
/// Deviates: takes unquoted URLs, single quotes, missing commas, `;` for `,`, an unterminated quote and a header that
/// still carries its name, for servers that send them and users who paste them.
///
/// Spec: RFC 9110 sections 5.5 and 11.6.1.
pub fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    for header in headers {
        Scanner {
            rest: without_name(header),
        }
        .read_into(&mut challenges);
    }
    challenges
}

/// Returns the `Bearer` challenge to follow: the first that names its metadata, else the first that says anything,
/// else a bare `Bearer`. Of two that say as much a `Bearer` comes before a `DPoP`, whose parameters mean the same. Without
/// either, the first of any scheme that names its metadata.
///
/// Spec: RFC 6750 section 3; RFC 9728 section 5.1; RFC 9449 section 7.1.
pub fn bearer<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<BearerChallenge> {
    let challenges = parse(headers);
    let of_scheme = |scheme: &'static str| {
        let is_meant = move |it: &&Challenge| it.scheme.eq_ignore_ascii_case(scheme);
        challenges.iter().filter(is_meant)
    };
    let bearers = of_scheme("Bearer").chain(of_scheme("DPoP"));
    let mut others = (challenges.iter()).filter(|it| it.parameter("resource_metadata").is_some());
    // Of several equal ones `min_by_key` returns the first.
    let best = bearers
        .map(BearerChallenge::from)
        .min_by_key(|bearer| match bearer {
            it if it.resource_metadata.is_some() => 0,
            it if !it.scopes.is_empty() || it.error.is_some() => 1,
            _ => 2,
        });
    best.or_else(|| others.next().map(BearerChallenge::from))
}

/// Returns the challenge of a response that asks for a login with more scopes, without what quotes its token.
///
/// Spec: RFC 6750 section 3.1; MCP 2025-11-25, Authorization, Scope Challenge Handling.
pub fn wanted_scopes<'a>(
    status: u16,
    headers: impl IntoIterator<Item = &'a str>,
    quotes_token: impl Fn(&str) -> bool,
) -> Option<BearerChallenge> {
    let mut bearer = bearer(headers)?;
    let wants_scopes = match bearer.error.as_deref() {
        Some(error) => error == INSUFFICIENT_SCOPE,
        None => status == 403 && !bearer.scopes.is_empty(),
    };
    bearer.error = Some(INSUFFICIENT_SCOPE.to_owned());
    bearer.scopes.retain(|scope| !quotes_token(scope));
    bearer.resource_metadata.take_if(|url| quotes_token(url));
    wants_scopes.then_some(bearer)
}

/// Tells whether a server takes only tokens that are bound to a key: it asks for `DPoP`, and not for `Bearer`.
///
/// Spec: RFC 9449 section 7.1.
pub fn wants_bound<'a>(headers: impl IntoIterator<Item = &'a str>) -> bool {
    let challenges = parse(headers);
    let has = |scheme: &str| {
        let mut schemes = challenges.iter().map(|it| &it.scheme);
        schemes.any(|it| it.eq_ignore_ascii_case(scheme))
    };
    has("DPoP") && !has("Bearer")
}

/// The credentials that a server asks for instead of an OAuth token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key, which its operator issues.
    ApiKey,
    /// A user name and a password.
    Password,
    /// Those of this scheme.
    Scheme(String),
}

/// Names of API keys in realms, descriptions and schemes.
const KEY_WORDS: [&str; 8] = [
    "api key",
    "api-key",
    "api_key",
    "apikey",
    "api token",
    "access key",
    "personal access token",
    "x-api-",
];

/// Returns what a server asks for if its challenges do not ask for an OAuth token; `None` if they do, or are unclear.
///
/// Spec: RFC 9110 section 11.3; RFC 7617; RFC 7616.
pub fn other_credential<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Credential> {
    let headers: Vec<_> = headers.into_iter().collect();
    let challenges = parse(headers.iter().copied());
    if challenges
        .iter()
        .any(|challenge| challenge.parameter("resource_metadata").is_some())
    {
        return None;
    }
    let words = headers.join(" ").to_ascii_lowercase();
    if KEY_WORDS.iter().any(|word| words.contains(word)) {
        return Some(Credential::ApiKey);
    }
    let schemes: Vec<_> = challenges
        .iter()
        .map(|challenge| challenge.scheme.to_ascii_lowercase())
        .collect();
    if schemes
        .iter()
        .any(|scheme| matches!(scheme.as_str(), "bearer" | "dpop"))
    {
        return None;
    }
    let first = schemes.first()?;
    Some(match first.as_str() {
        "basic" | "digest" => Credential::Password,
        scheme if scheme.contains("token") || scheme.contains("key") => Credential::ApiKey,
        scheme => Credential::Scheme(scheme.to_owned()),
    })
}

impl From<&Challenge> for BearerChallenge {
    fn from(challenge: &Challenge) -> Self {
        let said = |name| challenge.parameter(name).filter(|value| !value.is_empty());
        let mut seen = BTreeSet::new();
        let scopes = said("scope").unwrap_or_default().split_whitespace();
        Self {
            // A URL holds no white space: it comes from a folded line.
            resource_metadata: said("resource_metadata")
                .map(|url| url.split_whitespace().collect()),
            scopes: scopes
                .filter(|scope| seen.insert(*scope))
                .map(str::to_owned)
                .collect(),
            error: said("error").map(str::to_owned),
            error_description: said("error_description").map(str::to_owned),
        }
    }
}

/// Returns the header's value if `header` is the whole line, as a user copies it from the output of a program.
fn without_name(header: &str) -> &str {
    match header.split_once(':') {
        Some((name, value))
            if name
                .trim_matches(['<', ' '])
                .eq_ignore_ascii_case("WWW-Authenticate") =>
        {
            value
        }
        _ => header,
    }
}

/// Reads one header from the front, one item after the other.
struct Scanner<'a> {
    rest: &'a str,
}

/// What precedes an item in the list; it decides what a word without `=` is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// Nothing, or a comma: the word is a scheme.
    Separator,
    /// A scheme: the word is its `token68`.
    Scheme,
    /// A parameter, without a comma: the word is ignored.
    Parameter,
}

impl<'a> Scanner<'a> {
    fn read_into(mut self, challenges: &mut Vec<Challenge>) {
        let first = challenges.len();
        let mut after = After::Separator;
        while !self.rest.is_empty() {
            let word = self
                .take_until(|next| next.is_whitespace() || matches!(next, ',' | ';' | '=' | '"'));
            self.rest = self.rest.trim_start();
            if after == After::Scheme && self.skip_padding() {
                after = After::Parameter;
            } else if self.skip('=') {
                let value = self.take_value();
                // The challenges of an earlier header are complete.
                if let Some(challenge) = challenges.get_mut(first..).and_then(<[_]>::last_mut) {
                    challenge
                        .parameters
                        .push((word.to_ascii_lowercase(), value));
                }
                after = After::Parameter;
            } else if self.rest.starts_with('"') {
                // A quote inside a quoted value that the server forgot to escape.
                self.take_value();
            } else {
                let ends = self.rest.is_empty() || self.rest.starts_with([',', ';']);
                // A word with another word behind it is a scheme, even where the comma before it is missing.
                if is_token(word) && (after == After::Separator || !ends) {
                    challenges.push(Challenge {
                        scheme: word.to_owned(),
                        parameters: Vec::new(),
                    });
                    after = After::Scheme;
                }
                if self.skip(',') || self.skip(';') {
                    after = After::Separator;
                }
            }
        }
    }

    fn skip(&mut self, expected: char) -> bool {
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Passes over the `=` signs that end a `token68`: nothing but the next item follows them.
    fn skip_padding(&mut self) -> bool {
        let behind = self.rest.trim_start_matches('=').trim_start();
        let is_padding =
            self.rest.starts_with('=') && (behind.is_empty() || behind.starts_with([',', ';']));
        if is_padding {
            self.rest = behind;
        }
        is_padding
    }

    fn take_until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self
            .rest
            .split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Takes a quoted or a bare value. A single quote that is never closed is a character like any other.
    fn take_value(&mut self) -> String {
        self.rest = self.rest.trim_start();
        if self.skip('"') {
            return self.take_quoted('"');
        }
        if self
            .rest
            .strip_prefix('\'')
            .is_some_and(|body| body.contains('\''))
        {
            self.skip('\'');
            return self.take_quoted('\'');
        }
        self.take_until(|next| next.is_whitespace() || matches!(next, ',' | ';'))
            .to_owned()
    }

    /// Takes the text before the closing `quote`, or the rest.
    ///
    /// Spec: RFC 9110 section 5.6.4.
    fn take_quoted(&mut self, quote: char) -> String {
        let mut value = String::new();
        let mut characters = self.rest.chars();
        while let Some(next) = characters.next() {
            match next {
                '\\' => value.extend(characters.next()),
                _ if next == quote => break,
                _ => value.push(next),
            }
        }
        self.rest = characters.as_str();
        value
    }
}

/// Tells whether `word` may be the name of a scheme, or a method.
///
/// Spec: RFC 9110 section 5.6.2.
pub fn is_token(word: &str) -> bool {
    !word.is_empty() && is_plain(word, "!#$%&'*+-.^_`|~")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn c51_a_challenge_is_reported_without_quoting_the_server() {
        for (value, expected) in [
            (
                "Bearer error=\"insufficient_scope\", error_description=\"secret\", scope=\"a b\"",
                "Bearer error=\"insufficient_scope\", scope=\"a b\"",
            ),
            (
                "Bearer scope=a, resource_metadata=\"https://a.example/m\"",
                "Bearer scope=\"a\", resource_metadata=\"https://a.example/m\"",
            ),
            ("Bearer scope=\"a \\\"b c\"", "Bearer scope=\"a c\""),
        ] {
            let told = bearer([value]).expect("a challenge").to_header();
            assert_eq!(told, expected);
            assert_eq!(bearer([told.as_str()]).expect("the same").to_header(), told);
        }
    }

    /// Compares the challenges with their short form: `Scheme name=value|name=value`.
    fn check(header: &str, expected: &[&str]) {
        let short = |challenge: &Challenge| {
            let parameters: Vec<_> = challenge
                .parameters
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("{} {}", challenge.scheme, parameters.join("|"))
        };
        let found: Vec<_> = parse([header]).iter().map(short).collect();
        assert_eq!(found, expected, "{header:?}");
    }

    #[test]
    fn m2a_well_formed_challenges() {
        check("", &[]);
        check("Bearer", &["Bearer "]);
        check("Bearer realm=\"example\"", &["Bearer realm=example"]);
        check("bearer REALM=example", &["bearer realm=example"]);
        check(
            "Bearer realm = \"a\" ,\tscope =b",
            &["Bearer realm=a|scope=b"],
        );
        check(
            r#"Bearer error_description="say \"no\" \\ \a""#,
            &[r#"Bearer error_description=say "no" \ a"#],
        );
        check("Bearer realm=\"\"", &["Bearer realm="]);
        check("Bearer scope=\"a, b; c=d\"", &["Bearer scope=a, b; c=d"]);
        check(
            "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
            &["Newauth realm=apps|type=1|title=Login to \"apps\"", "Basic realm=simple"],
        );
        check("Basic, Bearer", &["Basic ", "Bearer "]);
        check("Bearer realm=\"caf\u{e9}\"", &["Bearer realm=caf\u{e9}"]);
    }

    #[test]
    fn m2a_challenges_of_real_servers() {
        check(
            "Bearer scope=\"mcp:read\", resource_metadata=\"http://127.0.0.1:18941/.well-known/oauth-protected-resource/mcp\"",
            &["Bearer scope=mcp:read|resource_metadata=http://127.0.0.1:18941/.well-known/oauth-protected-resource/mcp"],
        );
        check(
            "Bearer error=\"invalid_token\",\r\n    error_description=\"Missing Authorization header\",\r\n    \
             resource_metadata=\"https://h/.well-known/oauth-protected-resource\"",
            &["Bearer error=invalid_token|error_description=Missing Authorization header|\
               resource_metadata=https://h/.well-known/oauth-protected-resource"],
        );
        check(
            "Bearer resource_metadata=https://h/x?y=z, error=a",
            &["Bearer resource_metadata=https://h/x?y=z|error=a"],
        );
    }

    #[test]
    fn m2a_a_token68_is_ignored() {
        check("Negotiate", &["Negotiate "]);
        check("Negotiate abc==, Bearer a=b", &["Negotiate ", "Bearer a=b"]);
        check(
            "Negotiate YII/+-._~= , Bearer a=b",
            &["Negotiate ", "Bearer a=b"],
        );
        check("Negotiate abc, Bearer a=b", &["Negotiate ", "Bearer a=b"]);
        check("NTLM TlRMTVNTUAAC", &["NTLM "]);
        check("Negotiate a==", &["Negotiate "]);
        check("Bearer a==b", &["Bearer a==b"]);
    }

    #[test]
    fn m2a_faults_are_forgiven() {
        check("Bearer a='b c', d='e'", &["Bearer a=b c|d=e"]);
        check("Bearer a='b, d=e", &["Bearer a='b|d=e"]);
        check(
            "Bearer a=\"b\" c=\"d\" e=f g=h",
            &["Bearer a=b|c=d|e=f|g=h"],
        );
        check("Bearer a=\"b\"c=\"d\"", &["Bearer a=b|c=d"]);
        check("Bearer a=\"b\"; c=d;e=f", &["Bearer a=b|c=d|e=f"]);
        check(", ,Bearer ,, a=b,,c=d,, ", &["Bearer a=b|c=d"]);
        check("Bearer, a=b", &["Bearer a=b"]);
        check(
            "Bearer a=\"b\" Basic realm=\"x\"",
            &["Bearer a=b", "Basic realm=x"],
        );
        check("Basic realm=x Bearer a=b", &["Basic realm=x", "Bearer a=b"]);
        check("Bearer a=\"b, c=d", &["Bearer a=b, c=d"]);
        check("Bearer a=\"b\\", &["Bearer a=b"]);
        check("Bearer a=", &["Bearer "]);
        check("Bearer a=b, c=", &["Bearer a=b|c="]);
        check("Bearer a=b, c=, d=e", &["Bearer a=b|c=|d=e"]);
        check(
            "Bearer error=\"said \"no\", sorry\", a=b",
            &["Bearer error=said |a=b"],
        );
        check("Bearer scope=read write, a=b", &["Bearer scope=read|a=b"]);
        check("Bearer a=b, =x, c=d", &["Bearer a=b|=x|c=d"]);
        check("a=b, Bearer c=d", &["Bearer c=d"]);
        check("\"x\" Bearer c=d", &["Bearer c=d"]);
        check("Bearer\u{a0}a=b", &["Bearer a=b"]);
        check("=,;\"=';", &[]);
    }

    #[test]
    fn m2a_the_whole_line_is_read() {
        check("WWW-Authenticate: Bearer a=b", &["Bearer a=b"]);
        check("www-authenticate:Bearer a=b\r\n", &["Bearer a=b"]);
        check("< WWW-Authenticate: Bearer a=\"b\"", &["Bearer a=b"]);
        check(
            "WWW-Authenticate: Basic realm=x\nWWW-Authenticate: Bearer a=b",
            &["Basic realm=x", "Bearer a=b"],
        );
    }

    #[test]
    fn m2a_headers_do_not_run_into_each_other() {
        let challenges = parse(["Bearer a=\"b", "c=d", "Basic e=f"]);
        let parameters: Vec<_> = challenges
            .iter()
            .map(|challenge| challenge.parameters.len())
            .collect();
        assert_eq!(parameters, [1, 1]);
        assert_eq!(parse(["Bearer a=b, A=c"])[0].parameter("a"), Some("b"));
    }

    /// Compares with `metadata|scopes|error|description`.
    fn check_bearer(headers: &[&str], expected: Option<&str>) {
        let found = bearer(headers.iter().copied()).map(|found| {
            let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            let scopes = found.scopes.join(",");
            let (metadata, error) = (or_none(found.resource_metadata), or_none(found.error));
            format!(
                "{metadata}|{scopes}|{error}|{}",
                or_none(found.error_description)
            )
        });
        assert_eq!(found.as_deref(), expected, "{headers:?}");
    }

    #[test]
    fn m2_the_useful_bearer_challenge_is_chosen() {
        check_bearer(&[], None);
        check_bearer(
            &[
                "Basic realm=x",
                "DPoP algs=\"ES256\", resource_metadata=u",
                "BearerX a=b",
            ],
            Some("u||-|-"),
        );
        check_bearer(
            &["DPoP resource_metadata=u", "Bearer resource_metadata=v"],
            Some("v||-|-"),
        );
        check_bearer(&["Bearer"], Some("-||-|-"));
        check_bearer(&["Bearer realm=x"], Some("-||-|-"));
        check_bearer(&["BEARER Resource_Metadata=u"], Some("u||-|-"));
        check_bearer(&["Bearer", "Bearer error=e"], Some("-||e|-"));
        check_bearer(
            &["Bearer error=e, Bearer resource_metadata=u"],
            Some("u||-|-"),
        );
        check_bearer(&["Bearer scope=a", "Bearer error=e"], Some("-|a|-|-"));
        check_bearer(
            &[
                "Bearer resource_metadata=u",
                "Bearer resource_metadata=v, scope=a",
            ],
            Some("u||-|-"),
        );
        check_bearer(
            &["Negotiate abc==, Bearer resource_metadata=u"],
            Some("u||-|-"),
        );
        check_bearer(
            &[
                "Basic realm=x",
                "Gateway scope=a, resource_metadata=u",
                "Other resource_metadata=v",
            ],
            Some("u|a|-|-"),
        );
        check_bearer(&["Gateway resource_metadata=u", "Bearer"], Some("-||-|-"));
        check_bearer(&["Gateway scope=a"], None);
        check_bearer(
            &["Bearer resource_metadata=u, resource_metadata=v"],
            Some("u||-|-"),
        );
        check_bearer(
            &["Bearer resource_metadata=\"\", error=\"\", scope=\"\""],
            Some("-||-|-"),
        );
        check_bearer(
            &["Bearer resource_metadata=\"https://h/\r\n   x\""],
            Some("https://h/x||-|-"),
        );
        check_bearer(
            &["Bearer scope=\" a  b a\tc \", error=e, error_description=\"d d\""],
            Some("-|a,b,c|e|d d"),
        );
    }

    #[test]
    fn dp9_a_server_that_takes_only_bound_tokens() {
        for (headers, expected) in [
            (&[][..], false),
            (&["Bearer"], false),
            (&["Basic realm=\"x\""], false),
            (&["DPoP"], true),
            (&["dpop algs=\"ES256\", error=\"invalid_token\""], true),
            (&["Basic realm=\"x\", DPoP algs=\"ES256\""], true),
            (&["DPoP algs=\"ES256\"", "Bearer"], false),
            (&["Bearer realm=\"DPoP\""], false),
        ] {
            let found = wants_bound(headers.iter().copied());
            assert_eq!(found, expected, "{headers:?}");
        }
    }

    #[test]
    fn m53_challenges_of_other_authentication_schemes() {
        use Credential::{ApiKey, Password, Scheme};
        for (headers, expected) in [
            (&[][..], None),
            (&["Bearer"], None),
            (&["DPoP algs=\"ES256\""], None),
            (&["Bearer realm=\"mcp\""], None),
            (&["Basic realm=\"x\"", "Bearer"], None),
            (&["Bearer realm=\"API key\""], Some(ApiKey)),
            (
                &["Bearer error_description=\"send your Personal Access Token\""],
                Some(ApiKey),
            ),
            (
                &["Bearer realm=\"API key\", resource_metadata=\"https://a.example/m\""],
                None,
            ),
            (&["ApiKey"], Some(ApiKey)),
            (&["ApiKey realm=\"x\", header=\"X-API-Key\""], Some(ApiKey)),
            (&["X-Api-Key"], Some(ApiKey)),
            (&["Token realm=\"api\""], Some(ApiKey)),
            (&["Basic realm=\"x\""], Some(Password)),
            (&["Digest realm=\"x\", nonce=\"y\""], Some(Password)),
            (&["Negotiate"], Some(Scheme("negotiate".to_owned()))),
        ] {
            assert_eq!(
                other_credential(headers.iter().copied()),
                expected,
                "{headers:?}"
            );
        }
    }

    #[test]
    fn m2a_long_headers_take_linear_time() {
        for part in [
            "a=b,", "'", "\"", "\\", "x='", "Bearer ", "=", ",", "a=\"", "é",
        ] {
            parse([part.repeat(100_000 / part.len()).as_str()]);
        }
        let scopes: String = (0..20_000).map(|scope| format!("{scope} ")).collect();
        assert_eq!(
            bearer([format!("Bearer scope=\"{scopes}\"").as_str()])
                .unwrap()
                .scopes
                .len(),
            20_000
        );
    }

    /// What a header is made of; most lists of these are well-formed, so that the oracle has something to say.
    fn headers() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            "[a-zA-Z0-9!#$%&*+.^_`|~-]{1,6}",
            r#""([ a-z,;='=]|\\["\\a]){0,8}""#
        ];
        let parameter = ("[a-zA-Z_]{1,6}", "[ \t]{0,2}", "[ \t]{0,2}", value)
            .prop_map(|(name, before, behind, value)| format!("{name}{before}={behind}{value}"));
        let comma = "[ \t]{0,2},[ \t,]{0,3}";
        let parameters = proptest::collection::vec((parameter, comma), 0..4).prop_map(|items| {
            items
                .into_iter()
                .map(|(item, comma)| item + &comma)
                .collect::<String>()
        });
        let challenge = ("[a-zA-Z][a-zA-Z0-9-]{0,6}", parameters, comma)
            .prop_map(|(scheme, parameters, comma)| format!("{scheme} {parameters}{comma}"));
        let well_formed =
            proptest::collection::vec(challenge, 1..4).prop_map(|challenges| challenges.concat());
        prop_oneof![4 => well_formed, 1 => r#"([A-C]|[ab]=|[ \t,;='"\\x]){0,24}"#]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        /// Where the strict parser of `http-auth` reads a header, we read the same. It keeps single quotes as they are.
        #[test]
        fn m2a_agrees_with_a_strict_parser(header in headers()) {
            let Ok(strict) = http_auth::parse_challenges(&header) else { return Ok(()) };
            let strict: Vec<_> = strict.iter().map(|challenge| Challenge {
                scheme: challenge.scheme.to_owned(),
                parameters: challenge.params.iter()
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.to_unescaped())).collect(),
            }).collect();
            prop_assume!(!strict.iter().flat_map(|challenge| &challenge.parameters).any(|(_, value)| value.starts_with('\'')));
            prop_assert_eq!(parse([header.as_str()]), strict);
        }
    }
}
