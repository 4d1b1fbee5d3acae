//! Which URLs we talk to and which we open: scheme, host, user name and address policy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, ParseError, Url};

use super::text::{is_plain, printable};

/// Parameters of the authorization request that are ours alone; an endpoint must not carry them already.
pub const OUR_PARAMETERS: [&str; 8] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "redirect_uri",
    "resource",
    "response_type",
    "scope",
    "state",
];

/// Longest untrusted URL that is accepted, in bytes.
const MAX_URL_BYTES: usize = 16 * 1024;

/// Why a URL is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It cannot be read as an absolute URL with a host.
    #[error("it is not an absolute URL")]
    Unreadable,
    /// Its port or its IP address is none.
    #[error("its {0} is not valid")]
    Part(&'static str),
    /// It holds a control character, a space or a character outside ASCII, which readers of URLs disagree about.
    #[error("it holds characters that do not belong into a URL")]
    Characters,
    /// It is neither `https` nor `http`.
    #[error("its scheme is {}, not https", printable(.0))]
    Scheme(String),
    /// It is `http`, but not between programs of this machine.
    #[error("it is http, which is for loopback addresses only; it has to be https")]
    Plaintext,
    /// It holds a user name or password, which make a URL look like another.
    #[error("it holds a user name")]
    Userinfo,
    /// It has a fragment.
    #[error("it has a fragment")]
    Fragment,
    /// It already carries a parameter that only we may set.
    #[error("it already carries the parameter {0}")]
    OurParameter(&'static str),
    /// Its address is private, and nothing that the user typed lies there.
    #[error("its address {0} is not a public one")]
    Address(IpAddr),
}

/// The kinds of addresses there are, as far as a policy needs to tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressScope {
    /// The open internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network.
    Private,
    /// The link itself; cloud metadata services live here.
    LinkLocal,
    /// Not for use by clients.
    Reserved,
}

impl AddressScope {
    /// Returns the scope of an address.
    ///
    /// An IPv4 address inside an IPv6 one counts as what it is.
    ///
    /// Spec: RFC 9728 section 7.7; RFC 6890 section 2.2; RFC 9637 section 4.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        let carrier_grade = a == 100 && (64..128).contains(&b);
        let benchmark = a == 198 && (b == 18 || b == 19);
        if address.is_loopback() {
            Self::Loopback
        } else if address.is_link_local() {
            Self::LinkLocal
        } else if address.is_private() || carrier_grade {
            Self::Private
        } else if a == 0
            || a >= 224
            || benchmark
            || (a == 192 && b == 0 && c == 0)
            || address.is_documentation()
        {
            Self::Reserved
        } else {
            Self::Public
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let segments = address.segments();
        let nat64 = segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
        let unicast = segments[0] & 0xe000 == 0x2000;
        let special = match segments {
            [0x2001, second, ..] => second < 0x200 || second == 0xdb8,
            [0x2002, ..] => true,
            [0x3fff, second, ..] => second < 0x1000,
            _ => false,
        };
        if address.is_loopback() {
            Self::Loopback
        } else if address.is_unicast_link_local() {
            Self::LinkLocal
        } else if address.is_unique_local() {
            Self::Private
        } else if nat64 {
            let [.., a, b, c, d] = address.octets();
            Self::of_v4(Ipv4Addr::new(a, b, c, d))
        } else if unicast && !special {
            Self::Public
        } else {
            Self::Reserved
        }
    }
}

/// Tells whether a URL names this machine: a loopback literal, or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => is_localhost(name),
        None => false,
    }
}

/// Tells whether two URLs name this machine and one port, by different names.
pub fn is_same_machine(one: &Url, other: &Url) -> bool {
    is_loopback(one)
        && is_loopback(other)
        && one.port() == other.port()
        && one.host_str() != other.host_str()
}

/// Tells whether a host name means this machine.
///
/// Spec: RFC 6761 section 6.3.
pub fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Which URLs are allowed beyond public `https` addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlPolicy {
    /// The user named a server on this machine, so URLs of this machine are allowed, with `http` too.
    pub loopback: bool,
}

impl UrlPolicy {
    /// Returns the policy for a URL that the user typed.
    pub fn of(typed: &Url) -> Self {
        Self {
            loopback: is_loopback(typed),
        }
    }

    /// Reads a URL and checks it against the policy.
    ///
    /// # Errors
    ///
    /// The first rule that the URL breaks.
    ///
    /// Spec: MCP 2026-07-28, security best practices, OAuth Authorization URL Validation; RFC 6749 section 3.1.
    pub fn check(self, raw: &str) -> Result<Url, UrlError> {
        self.check_parsed(parse(raw)?)
    }

    /// Reads the URL of a page for people, and checks it as [`Self::check`] does; it may have a fragment.
    ///
    /// # Errors
    ///
    /// The first rule that the URL breaks.
    pub fn check_page(self, raw: &str) -> Result<Url, UrlError> {
        self.check_parsed(parse_page(raw)?)
    }

    fn check_parsed(self, url: Url) -> Result<Url, UrlError> {
        let loopback = is_loopback(&url);
        if url.scheme() == "http" && !(loopback && self.loopback) {
            return Err(UrlError::Plaintext);
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        match literal.map(|address| (address, AddressScope::of(address))) {
            Some((address, AddressScope::Loopback)) if !self.loopback => {
                Err(UrlError::Address(address))
            }
            Some((address, AddressScope::Reserved)) => Err(UrlError::Address(address)),
            None if loopback && !self.loopback => {
                Err(UrlError::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)))
            }
            _ => Ok(url),
        }
    }
}

/// Returns whether a URL holds a user name or a password, which an HTTP library would send as `Authorization`.
///
/// Spec: RFC 9110 section 4.2.4.
pub fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Reads a URL in the one form that all readers agree on: `http` or `https`, a host, no user name, no fragment.
///
/// # Errors
///
/// The first rule that the URL breaks.
pub fn parse(raw: &str) -> Result<Url, UrlError> {
    let url = parse_page(raw)?;
    if url.fragment().is_some() {
        return Err(UrlError::Fragment);
    }
    Ok(url)
}

/// Reads the URL of a page for people, as [`parse`] does; it may have a fragment.
///
/// # Errors
///
/// The first rule that the URL breaks.
pub fn parse_page(raw: &str) -> Result<Url, UrlError> {
    if raw.len() > MAX_URL_BYTES
        || raw
            .bytes()
            .any(|byte| !byte.is_ascii_graphic() || byte == b'\\')
    {
        return Err(UrlError::Characters);
    }
    let url = Url::parse(raw).map_err(|err| match err {
        ParseError::InvalidPort => UrlError::Part("port"),
        ParseError::InvalidIpv4Address | ParseError::InvalidIpv6Address => {
            UrlError::Part("IP address")
        }
        _ => UrlError::Unreadable,
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlError::Scheme(url.scheme().to_owned()));
    }
    if url.port() == Some(0) {
        return Err(UrlError::Part("port"));
    }
    let authority = authority(raw, url.scheme()).unwrap_or_default();
    if authority.is_empty() || url.host_str().is_none_or(str::is_empty) {
        return Err(UrlError::Unreadable);
    }
    if has_userinfo(&url) || authority.contains('@') {
        return Err(UrlError::Userinfo);
    }
    // A name may legally hold much that a shell reads, and percent escapes that only some readers undo.
    if !is_plain(authority, ".-_:[]") {
        return Err(UrlError::Characters);
    }
    Ok(url)
}

/// Returns a URL with letters outside ASCII as it is sent: the host in Punycode, the rest percent-encoded.
///
/// Spec: RFC 3987 section 3.1, RFC 5890 section 2.3.2.1.
pub fn in_ascii(raw: &str) -> Option<String> {
    let is_plain = |next: char| !next.is_ascii() || next.is_ascii_graphic() && next != '\\';
    if raw.is_ascii() || !raw.chars().all(is_plain) {
        return None;
    }
    let url = Url::parse(raw).ok()?;
    parse(url.as_str()).is_ok().then(|| url.into())
}

/// Tells whether a URL is probably that of a page where people log in, as a gateway in front of a server has it.
pub fn is_login_page(url: &Url) -> bool {
    const NAMES: [&str; 6] = ["accounts", "idp", "login", "signin", "sso", "adfs"];
    const PARTS: [&str; 10] = [
        "auth",
        "login",
        "logon",
        "signin",
        "sign-in",
        "sign_in",
        "sso",
        "saml",
        "cdn-cgi/access",
        "/cas",
    ];
    let name = url
        .host_str()
        .and_then(|host| host.split('.').next())
        .unwrap_or_default();
    let path = url.path().to_ascii_lowercase();
    NAMES.contains(&name) || PARTS.iter().any(|part| path.contains(part))
}

/// Tells whether a text is an absolute URL at all, rather than empty, relative or other words; whether it may be used is
/// another question.
///
/// Spec: RFC 3986 section 4.3.
pub fn is_absolute(raw: &str) -> bool {
    use url::ParseError::{EmptyHost, RelativeUrlWithoutBase};
    !matches!(Url::parse(raw), Err(RelativeUrlWithoutBase | EmptyHost))
}

/// Returns the text between the two slashes and the path. Readers of URLs that forgive other slashes do not agree
/// with the rest of the world about the host.
fn authority<'a>(raw: &'a str, scheme: &str) -> Option<&'a str> {
    let rest = raw.get(scheme.len()..)?.strip_prefix("://")?;
    rest.split(['/', '?', '#']).next()
}

/// Checks that an authorization endpoint does not already carry a parameter of ours.
///
/// # Errors
///
/// [`UrlError::OurParameter`] with its name.
///
/// Spec: RFC 6749 section 3.1.
pub fn check_parameters(endpoint: &Url) -> Result<(), UrlError> {
    for (name, _) in endpoint.query_pairs() {
        if let Some(ours) = OUR_PARAMETERS.iter().find(|ours| **ours == name) {
            return Err(UrlError::OurParameter(ours));
        }
    }
    Ok(())
}

/// Returns an authorization endpoint without the `resource` that it carries: that one is for us to name. The rest of its
/// query stays as it is.
///
/// Spec: RFC 8707 section 2; RFC 6749 section 3.1.
pub fn without_resource(mut endpoint: Url) -> Url {
    let is_resource = |pair: &&str| {
        url::form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "resource")
    };
    let query = endpoint.query().unwrap_or_default();
    if query.split('&').any(|pair| is_resource(&pair)) {
        let rest: Vec<_> = query.split('&').filter(|pair| !is_resource(pair)).collect();
        let rest = rest.join("&");
        endpoint.set_query(Some(rest.as_str()).filter(|rest| !rest.is_empty()));
    }
    endpoint
}

/// Returns the URL with every character percent-encoded that means something to a shell or a command processor.
///
/// What is left matches `^https?://[A-Za-z0-9.\-_:\[\]]+[/?][A-Za-z0-9\-._~/%:@=&?+,]*$`, so the URL stays one word
/// for whatever opens it.
pub fn canonical(url: &Url) -> String {
    let (origin, rest) = url
        .as_str()
        .split_at(url[..url::Position::BeforePath].len());
    let mut text = origin.to_owned();
    for byte in rest.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/%:@=&?+,".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: UrlPolicy = UrlPolicy { loopback: false };
    const LOCAL: UrlPolicy = UrlPolicy { loopback: true };

    fn check(raw: &str, policy: UrlPolicy, expected: Result<&str, UrlError>) {
        assert_eq!(
            policy.check(raw).as_ref().map(Url::as_str),
            expected.as_ref().copied(),
            "{raw}"
        );
    }

    #[test]
    fn v3_only_web_schemes() {
        for raw in [
            "javascript:alert(1)",
            "jAvAsCrIpT:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "custom:x",
        ] {
            assert!(
                matches!(PUBLIC.check(raw), Err(UrlError::Scheme(_))),
                "{raw}"
            );
        }
        for raw in [
            "file:///etc/passwd",
            "smb://host/share",
            "ms-msdt:/id",
            "ftp://as.example/",
        ] {
            assert!(
                matches!(PUBLIC.check(raw), Err(UrlError::Scheme(_))),
                "{raw}"
            );
        }
        for raw in [
            "\u{1}javascript:x",
            "java\tscript:x",
            "ht\ntps://as.example/",
            "https://as.example/a b",
        ] {
            check(raw, PUBLIC, Err(UrlError::Characters));
        }
        for raw in [
            "https://as.example\\@evil.example/",
            "https://ás.example/",
            " https://as.example/",
            "https://",
        ] {
            assert!(PUBLIC.check(raw).is_err(), "{raw}");
        }
        for raw in [
            "/authorize",
            "as.example/authorize",
            "//as.example/authorize",
            "",
        ] {
            check(raw, PUBLIC, Err(UrlError::Unreadable));
        }
        for (raw, part) in [
            ("https://as.example:65536/", "port"),
            ("https://as.example:-1/", "port"),
            ("https://as.example:1:2/", "port"),
            ("https://256.1.1.1/", "IP address"),
            ("https://1.2.3.4.5/", "IP address"),
            ("https://[fe80::1%25eth0]/", "IP address"),
        ] {
            check(raw, PUBLIC, Err(UrlError::Part(part)));
        }
    }

    #[test]
    fn v12_user_names_and_fragments_are_refused() {
        check(
            "https://as.example@evil.example/",
            PUBLIC,
            Err(UrlError::Userinfo),
        );
        check("https://:@evil.example/", PUBLIC, Err(UrlError::Userinfo));
        check("https://@evil.example/", PUBLIC, Err(UrlError::Userinfo));
        check("https://as.example/a#b", PUBLIC, Err(UrlError::Fragment));
        for raw in [
            "https:as.example/",
            "https:/as.example/",
            "https:///as.example/",
            "https:////as.example/",
        ] {
            check(raw, PUBLIC, Err(UrlError::Unreadable));
        }
        check(
            "https://as.example/@user",
            PUBLIC,
            Ok("https://as.example/@user"),
        );
        check(
            "https://as.example/authorize?tenant=1",
            PUBLIC,
            Ok("https://as.example/authorize?tenant=1"),
        );
    }

    #[test]
    fn v1_hosts_hold_nothing_that_a_shell_reads() {
        for host in [
            "$(calc)", "`calc`", "a;calc", "a&calc", "a=b", "{a,b}", "a'b", "a\"b", "a!b", "a*b",
            "~root", "a%2eb", "a+b",
        ] {
            check(
                &format!("https://{host}.example/"),
                PUBLIC,
                Err(UrlError::Characters),
            );
        }
        check(
            "https://AS_1-x.example:8443/",
            PUBLIC,
            Ok("https://as_1-x.example:8443/"),
        );
        check(
            "https://[2606:4700::1111]/",
            PUBLIC,
            Ok("https://[2606:4700::1111]/"),
        );
    }

    #[test]
    fn m11_http_is_for_loopback_only() {
        check("http://as.example/", PUBLIC, Err(UrlError::Plaintext));
        check("http://as.example/", LOCAL, Err(UrlError::Plaintext));
        check("http://127.0.0.1:8/", PUBLIC, Err(UrlError::Plaintext));
        check("http://127.0.0.1:8/", LOCAL, Ok("http://127.0.0.1:8/"));
        check("http://localhost:8/", LOCAL, Ok("http://localhost:8/"));
        check("http://[::1]:8/", LOCAL, Ok("http://[::1]:8/"));
        check("http://10.0.0.1/", LOCAL, Err(UrlError::Plaintext));
        check("https://as.example/", LOCAL, Ok("https://as.example/"));
    }

    #[test]
    fn v11_unusual_spellings_of_loopback() {
        let loopback = |last| UrlError::Address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)));
        for raw in [
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://localhost/",
        ] {
            check(raw, PUBLIC, Err(loopback(1)));
        }
        assert!(PUBLIC.check("https://[::ffff:127.0.0.1]/").is_err());
        assert!(LOCAL.check("https://0.0.0.0/").is_err());
        assert!(LOCAL.check("https://[::]/").is_err());
    }

    #[test]
    fn v11_regions() {
        for (address, region) in [
            ("8.8.8.8", AddressScope::Public),
            ("127.8.8.8", AddressScope::Loopback),
            ("10.0.0.1", AddressScope::Private),
            ("172.16.0.1", AddressScope::Private),
            ("192.168.0.1", AddressScope::Private),
            ("100.64.0.1", AddressScope::Private),
            ("100.128.0.1", AddressScope::Public),
            ("169.254.169.254", AddressScope::LinkLocal),
            ("0.0.0.0", AddressScope::Reserved),
            ("255.255.255.255", AddressScope::Reserved),
            ("224.0.0.1", AddressScope::Reserved),
            ("198.18.0.1", AddressScope::Reserved),
            ("192.0.0.8", AddressScope::Reserved),
            ("::1", AddressScope::Loopback),
            ("::", AddressScope::Reserved),
            ("::ffff:127.0.0.1", AddressScope::Loopback),
            ("::ffff:10.0.0.1", AddressScope::Private),
            ("fc00::1", AddressScope::Private),
            ("fe80::1", AddressScope::LinkLocal),
            ("2001:4860:4860::8888", AddressScope::Public),
            ("2002:7f00:1::", AddressScope::Reserved),
            ("2001::1", AddressScope::Reserved),
            ("2001:1ff::1", AddressScope::Reserved),
            ("2001:200::1", AddressScope::Public),
            ("2001:db8::a09:909", AddressScope::Reserved),
            ("3fff:fff::1", AddressScope::Reserved),
            ("3fff:1000::1", AddressScope::Public),
            ("5f00::1", AddressScope::Reserved),
            ("64:ff9b::a00:1", AddressScope::Private),
            ("64:ff9b::808:808", AddressScope::Public),
            ("ff02::1", AddressScope::Reserved),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(AddressScope::of(address), region, "{address}");
        }
    }

    #[test]
    fn o4_endpoints_that_carry_our_parameters() {
        let url = |text: &str| Url::parse(text).expect("a URL");
        assert_eq!(
            check_parameters(&url("https://as.example/a?tenant=1")),
            Ok(())
        );
        for name in OUR_PARAMETERS {
            let endpoint = url(&format!("https://as.example/a?x=1&{name}=2"));
            assert_eq!(
                check_parameters(&endpoint),
                Err(UrlError::OurParameter(name))
            );
        }
        assert_eq!(
            check_parameters(&url("https://as.example/a?st%61te=1")),
            Err(UrlError::OurParameter("state"))
        );
    }

    #[test]
    fn m52_a_resource_in_an_endpoint_gives_way_to_ours() {
        for (query, expected) in [
            ("", ""),
            ("?a=b&c", "?a=b&c"),
            ("?resource=https://other.example", ""),
            ("?resource=x&a=b%20c&resource=y", "?a=b%20c"),
            ("?a=b&res%6Furce=x&c=d", "?a=b&c=d"),
            ("?resource", ""),
            ("?resources=1&Resource=2", "?resources=1&Resource=2"),
        ] {
            let url =
                |query: &str| Url::parse(&format!("https://as.example/a{query}")).expect("a URL");
            assert_eq!(without_resource(url(query)), url(expected), "{query}");
        }
    }

    #[test]
    fn v1_nothing_that_a_shell_reads() {
        let url = Url::parse("https://as.example/a;b|c`d$(e)'f*g!?h={i}&j=\"k\"&l=%25&m=^n&o=a+b")
            .expect("a URL");
        let text = canonical(&url);
        let rest = text
            .strip_prefix("https://as.example")
            .expect("the origin is kept");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%:@=&?+,".contains(&byte);
        assert!(rest.bytes().all(plain), "{text}");
        assert!(
            text.contains("%3Bb%7Cc%60d%24%28e%29%27f%2Ag%21?h=%7Bi%7D"),
            "{text}"
        );
        assert!(text.ends_with("&l=%25&m=%5En&o=a+b"), "{text}");
    }
}
