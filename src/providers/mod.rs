//! Providers whose ways are known beforehand: where they have no discovery, what they want beside the standard, what they
//! refuse, and what their well-known failures mean.
//!
//! A provider is one entry of [`PROVIDERS`].

pub mod google;
mod table;

pub use table::PROVIDERS;

/// What is known of a provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// How its authorization server is found.
    pub server: Server,
    /// The hosts that are its own; one that begins with a dot stands for all below it.
    pub hosts: &'static [&'static str],
    /// Parameters of the authorization request that it needs or that help its users.
    pub parameters: &'static [(&'static str, &'static str)],
    /// The scopes to ask for where the user names none.
    pub scopes: &'static [&'static str],
    /// It writes commas between scopes where the standard has spaces.
    pub has_comma_scopes: bool,
    /// It takes the `resource` parameter of RFC 8707.
    pub takes_resource: bool,
    /// It supports PKCE, whether its metadata say so or not.
    pub supports_pkce: bool,
    /// Which redirect URIs of a registered client it takes.
    pub redirect: Redirect,
    /// Where a client is registered by hand.
    pub registration: &'static str,
    /// The parameter that names the account.
    pub hint_parameter: &'static str,
    /// Whether a refresh gives a new refresh token and ends the old one; `None` where that is the client's setting.
    pub rotates: Option<bool>,
    /// What its well-known failures mean.
    pub failures: &'static [Failure],
}

/// How the authorization server of a provider is found. In each text `{tenant}` stands for the user's tenant.
#[derive(Debug, PartialEq, Eq)]
pub enum Server {
    /// By the discovery of this issuer.
    Issuer(&'static str),
    /// By the discovery of the issuer that the user has to name; such as this one.
    Named(&'static str),
    /// There is no discovery, or it says less than is known.
    Endpoints {
        /// The issuer identifier.
        issuer: &'static str,
        /// Where the browser goes.
        authorization: &'static str,
        /// Where codes and refresh tokens are spent.
        token: &'static str,
        /// Who the user is, for a Bearer token.
        userinfo: Option<&'static str>,
    },
}

/// Which redirect URIs of a registered client a provider takes.
#[derive(Debug, PartialEq, Eq)]
pub enum Redirect {
    /// Any port of 127.0.0.1.
    AnyPort,
    /// Any port of `localhost`.
    AnyPortOfLocalhost,
    /// The registered one, to the letter.
    Registered,
}

/// A well-known failure.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// When it happens.
    pub at: Moment,
    /// What the provider's error code or description holds.
    pub sign: &'static str,
    /// What it means, or what to do.
    pub hint: &'static str,
}

/// When a failure happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At a login.
    Login,
    /// At a refresh.
    Refresh,
}

impl Failure {
    const fn login(sign: &'static str, hint: &'static str) -> Self {
        Self {
            at: Moment::Login,
            sign,
            hint,
        }
    }

    const fn refresh(sign: &'static str, hint: &'static str) -> Self {
        Self {
            at: Moment::Refresh,
            sign,
            hint,
        }
    }
}

/// Finds a provider by its name.
pub fn find(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}

/// Finds the provider that a URL belongs to, such as an issuer or an endpoint.
pub fn of_url(url: &str) -> Option<&'static Provider> {
    let url = url::Url::parse(url)
        .ok()
        .filter(|url| url.scheme() == "https")?;
    let host = url.host_str()?;
    PROVIDERS.iter().find(|provider| provider.owns(host))
}

/// Finds the provider of a login: by its name, else by the issuer.
pub fn of_login(name: Option<&str>, issuer: &str) -> Option<&'static Provider> {
    name.map_or_else(|| of_url(issuer), find)
}

/// Says what a failure means, if the provider or the sign is known.
pub fn explain(provider: Option<&Provider>, at: Moment, words: &str) -> Option<&'static str> {
    let known = |provider: &Provider| {
        let mut failures = provider.failures.iter().filter(|failure| failure.at == at);
        failures
            .find(|failure| words.contains(failure.sign))
            .map(|failure| failure.hint)
    };
    match provider {
        Some(provider) => known(provider),
        // These signs are nobody else's.
        None => words
            .contains("AADSTS")
            .then(|| known(find("entra")?))
            .flatten(),
    }
}

impl Provider {
    /// Tells whether a host is the provider's own.
    pub fn owns(&self, host: &str) -> bool {
        self.hosts
            .iter()
            .any(|own| host == *own || (own.starts_with('.') && host.ends_with(own)))
    }

    /// Tells whether a URL is at a host of the provider's own.
    pub fn owns_url(&self, url: &url::Url) -> bool {
        url.host_str().is_some_and(|host| self.owns(host))
    }

    /// Returns the options of a login that lead to this issuer of the provider's.
    pub fn options(&self, issuer: &str) -> Vec<String> {
        let option = match self.server {
            Server::Named(_) => Some(("--issuer", issuer)),
            Server::Endpoints { .. } => self.tenant_of(issuer).map(|tenant| ("--tenant", tenant)),
            Server::Issuer(_) => None,
        };
        let given = [Some(("--provider", self.name)), option];
        given
            .into_iter()
            .flatten()
            .flat_map(|(option, value)| [option.to_owned(), value.to_owned()])
            .collect()
    }

    /// Returns the tenant that an issuer of the provider's names; `None` if it names none.
    pub fn tenant_of<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        let Server::Endpoints { issuer: form, .. } = self.server else {
            return None;
        };
        let (before, after) = form.split_once(TENANT)?;
        issuer
            .strip_prefix(before)?
            .strip_suffix(after)
            .filter(|tenant| !tenant.contains('/'))
    }

    /// Tells whether the user has to name a tenant.
    pub fn has_tenants(&self) -> bool {
        matches!(self.server, Server::Endpoints { issuer, .. } if issuer.contains(TENANT))
    }
}

/// Returns granted scopes as a list, however the provider writes them.
pub fn granted(provider: Option<&Provider>, scopes: Vec<String>) -> Vec<String> {
    if !provider.is_some_and(|provider| provider.has_comma_scopes) {
        return scopes;
    }
    let parts = scopes.iter().flat_map(|scope| scope.split(','));
    parts
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What stands for the tenant in the texts of [`Server`].
pub const TENANT: &str = "{tenant}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        for (at, provider) in PROVIDERS.iter().enumerate() {
            let name = provider.name;
            assert!(
                PROVIDERS[..at].iter().all(|other| other.name != name),
                "{name} is there twice"
            );
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()),
                "{name}"
            );
            let urls = match provider.server {
                Server::Issuer(issuer) | Server::Named(issuer) => vec![issuer],
                Server::Endpoints {
                    issuer,
                    authorization,
                    token,
                    ..
                } => vec![issuer, authorization, token],
            };
            for url in urls {
                let url = url::Url::parse(&url.replace(TENANT, "contoso.onmicrosoft.com"))
                    .expect("a URL");
                assert_eq!(url.scheme(), "https", "{name}");
                assert!(provider.owns_url(&url), "{name}: {url}");
            }
            assert!(
                !provider.registration.is_empty() && !provider.hosts.is_empty(),
                "{name}"
            );
        }
    }

    #[test]
    fn who_a_url_belongs_to() {
        for (url, expected) in [
            ("https://accounts.google.com", Some("google")),
            (
                "https://login.microsoftonline.com/contoso/v2.0",
                Some("entra"),
            ),
            ("https://acme.okta.com/oauth2/default", Some("okta")),
            ("https://github.com/login/oauth", Some("github")),
            ("http://accounts.google.com", None),
            ("https://accounts.google.com.evil.example", None),
            ("https://evilokta.com", None),
            ("https://evil.github.com", None),
            ("name", None),
        ] {
            assert_eq!(of_url(url).map(|provider| provider.name), expected, "{url}");
        }
        assert_eq!(
            of_login(Some("google"), "http://127.0.0.1:1").map(|it| it.name),
            Some("google")
        );
        assert_eq!(
            of_login(None, "https://gitlab.com").map(|it| it.name),
            Some("gitlab")
        );
    }

    #[test]
    fn u19_what_failures_mean() {
        let google = find("google");
        let testing = explain(google, Moment::Refresh, "invalid_grant").expect("a hint");
        assert!(
            testing.contains("Testing") && testing.contains("seven days"),
            "{testing}"
        );
        assert_eq!(explain(google, Moment::Login, "invalid_grant"), None);
        assert_eq!(explain(None, Moment::Refresh, "invalid_grant"), None);
        let entra = explain(
            None,
            Moment::Login,
            "invalid_target AADSTS9010010: The resource …",
        )
        .expect("a hint");
        assert!(entra.contains("--no-resource"), "{entra}");
    }

    #[test]
    fn how_a_provider_is_named_again() {
        for (name, issuer, options) in [
            ("google", "https://accounts.google.com", "--provider google"),
            (
                "okta",
                "https://acme.okta.com",
                "--provider okta --issuer https://acme.okta.com",
            ),
            (
                "entra",
                "https://login.microsoftonline.com/acme.com/v2.0",
                "--provider entra --tenant acme.com",
            ),
            ("entra", "http://127.0.0.1:1", "--provider entra"),
            (
                "github",
                "https://github.com/login/oauth",
                "--provider github",
            ),
        ] {
            assert_eq!(
                find(name).expect("a provider").options(issuer).join(" "),
                options
            );
        }
    }

    #[test]
    fn scopes_with_commas_in_between() {
        let scopes =
            |provider: &str| granted(find(provider), vec!["repo,gist".into(), "user".into()]);
        assert_eq!(scopes("github"), ["repo", "gist", "user"]);
        assert_eq!(scopes("google"), ["repo,gist", "user"]);
    }
}
