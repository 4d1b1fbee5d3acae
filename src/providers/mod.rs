//! Known providers: their endpoints where discovery does not find them, the parameters that they need beside the standard
//! ones, what they refuse, and what their well-known errors mean.
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
    pub server: IssuerSource,
    /// Its hosts; one that begins with a dot means all subdomains.
    pub hosts: &'static [&'static str],
    /// Additional parameters of the authorization request.
    pub parameters: &'static [(&'static str, &'static str)],
    /// The scopes to ask for where the user names none.
    pub scopes: &'static [&'static str],
    /// It separates scopes by commas in place of spaces.
    pub has_comma_scopes: bool,
    /// It accepts the `resource` parameter of RFC 8707.
    pub takes_resource: bool,
    /// It supports PKCE, whether its metadata say so or not.
    pub supports_pkce: bool,
    /// Which redirect URIs of a registered client it accepts.
    pub redirect: RedirectRule,
    /// Where a client is registered by hand.
    pub registration: &'static str,
    /// The parameter that names the account.
    pub hint_parameter: &'static str,
    /// Whether it rotates refresh tokens; `None` if that is a setting of the client.
    pub rotates: Option<bool>,
    /// Its well-known errors at a login: a part of the error code or description, and what it means, or what to do.
    pub login_errors: &'static [(&'static str, &'static str)],
    /// Its well-known errors at a refresh, in the same form.
    pub refresh_errors: &'static [(&'static str, &'static str)],
    /// What differs from RFC 8628 at a login by device code.
    pub device: DeviceDeviations,
}

/// What of a provider differs from the device authorization grant of RFC 8628.
#[derive(Debug, PartialEq, Eq)]
pub struct DeviceDeviations {
    /// The device authorization endpoint, where no metadata names it.
    pub endpoint: Option<&'static str>,
    /// It may answer with a form in place of JSON.
    pub has_form_responses: bool,
    /// Its own error codes, and those of the standard for them.
    pub errors: &'static [(&'static str, &'static str)],
}

/// What most providers have: nothing that differs.
const DEVICE: DeviceDeviations = DeviceDeviations {
    endpoint: None,
    has_form_responses: false,
    errors: &[],
};

/// A provider with what most have in common, to complete the rows of the table.
const PROVIDER: Provider = Provider {
    name: "",
    title: "",
    server: IssuerSource::Issuer(""),
    hosts: &[],
    parameters: &[],
    scopes: &[],
    has_comma_scopes: false,
    takes_resource: false,
    supports_pkce: false,
    redirect: RedirectRule::Registered,
    registration: "",
    hint_parameter: "login_hint",
    rotates: None,
    login_errors: &[],
    refresh_errors: &[],
    device: DEVICE,
};

/// How the authorization server of a provider is found. In each text `{tenant}` is replaced by the user's tenant.
#[derive(Debug, PartialEq, Eq)]
pub enum IssuerSource {
    /// By discovery, from this issuer.
    Issuer(&'static str),
    /// By discovery, from an issuer that the user names; this is an example.
    Named(&'static str),
    /// Without discovery.
    Endpoints {
        /// The issuer identifier.
        issuer: &'static str,
        /// The authorization endpoint.
        authorization: &'static str,
        /// The token endpoint.
        token: &'static str,
        /// The UserInfo endpoint, or one like it.
        userinfo: Option<&'static str>,
    },
}

/// Which redirect URIs of a registered client a provider accepts.
#[derive(Debug, PartialEq, Eq)]
pub enum RedirectRule {
    /// Any port of 127.0.0.1.
    AnyPort,
    /// Any port of `localhost`.
    AnyPortOfLocalhost,
    /// The registered one only.
    Registered,
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

/// Returns what an error code or description means at a login, if it is known.
pub fn explain_login(provider: Option<&Provider>, words: &str) -> Option<&'static str> {
    // Only Entra has codes of this form.
    let entra = || words.contains("AADSTS").then(|| find("entra"))?;
    meaning(provider.or_else(entra)?.login_errors, words)
}

/// Returns what an error code or description means at a refresh, if it is known.
pub fn explain_refresh(provider: Option<&Provider>, words: &str) -> Option<&'static str> {
    meaning(provider?.refresh_errors, words)
}

/// Returns the error code of RFC 8628 for one that a provider has in its place. The codes of all providers differ from each
/// other, so that servers in front of them are understood too.
pub fn standard_device_error(error: &str) -> Option<&'static str> {
    let mut all = PROVIDERS.iter().flat_map(|provider| provider.device.errors);
    all.find(|(own, _)| *own == error).map(|it| it.1)
}

fn meaning(known: &[(&str, &'static str)], words: &str) -> Option<&'static str> {
    let mut known = known.iter();
    let found = known.find(|(sign, _)| words.contains(sign));
    found.map(|(_, meaning)| *meaning)
}

impl Provider {
    /// Returns whether a host belongs to the provider.
    pub fn owns(&self, host: &str) -> bool {
        self.hosts
            .iter()
            .any(|own| host == *own || (own.starts_with('.') && host.ends_with(own)))
    }

    /// Returns whether the host of a URL belongs to the provider.
    pub fn owns_url(&self, url: &url::Url) -> bool {
        url.host_str().is_some_and(|host| self.owns(host))
    }

    /// Returns the options of a login at this issuer of the provider.
    pub fn options(&self, issuer: &str) -> Vec<String> {
        let mut options = vec!["--provider", self.name];
        if let IssuerSource::Named(_) = self.server {
            options.extend(["--issuer", issuer]);
        } else if let Some(tenant) = self.tenant_of(issuer) {
            options.extend(["--tenant", tenant]);
        }
        options.into_iter().map(str::to_owned).collect()
    }

    /// Returns the tenant in an issuer of the provider; `None` without one.
    pub fn tenant_of<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        let IssuerSource::Endpoints { issuer: form, .. } = self.server else {
            return None;
        };
        let (before, after) = form.split_once(TENANT)?;
        issuer
            .strip_prefix(before)?
            .strip_suffix(after)
            .filter(|tenant| !tenant.contains('/'))
    }

    /// Returns whether the user has to name a tenant.
    pub fn has_tenants(&self) -> bool {
        matches!(self.server, IssuerSource::Endpoints { issuer, .. } if issuer.contains(TENANT))
    }
}

/// Returns granted scopes as a list, whichever separator the provider uses.
pub fn granted(provider: Option<&Provider>, mut scopes: Vec<String>) -> Vec<String> {
    if provider.is_some_and(|provider| provider.has_comma_scopes) {
        let parts = scopes.iter().flat_map(|scope| scope.split(','));
        scopes = parts.map(str::to_owned).collect();
        scopes.retain(|scope| !scope.is_empty());
    }
    scopes
}

/// The placeholder of the tenant in the texts of [`IssuerSource`].
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
                IssuerSource::Issuer(issuer) | IssuerSource::Named(issuer) => vec![issuer],
                IssuerSource::Endpoints {
                    issuer,
                    authorization,
                    token,
                    ..
                } => vec![issuer, authorization, token],
            };
            for url in urls.into_iter().chain(provider.device.endpoint) {
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
        let testing = explain_refresh(google, "invalid_grant").expect("a hint");
        assert!(
            testing.contains("Testing") && testing.contains("seven days"),
            "{testing}"
        );
        assert_eq!(explain_login(google, "invalid_grant"), None);
        assert_eq!(explain_refresh(None, "invalid_grant"), None);
        let entra = explain_login(None, "invalid_target AADSTS9010010: The resource …");
        let entra = entra.expect("a hint");
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

    #[test]
    fn the_readme_lists_every_provider() {
        let readme = include_str!("../../README.md");
        let (_, section) = readme
            .split_once("### Other providers")
            .expect("the section");
        let (list, _) = section.split_once("```").expect("an example");
        for provider in PROVIDERS {
            assert!(
                provider == &google::GOOGLE || list.contains(provider.title),
                "{provider:?}"
            );
        }
    }
}
