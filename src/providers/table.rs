//! The table of providers. It holds facts of a provider's documentation, or that running it has shown.

use super::{google, DeviceDeviations, IssuerSource, Provider, RedirectRule, DEVICE, PROVIDER};

/// All providers, in the order in which they are listed.
pub const PROVIDERS: &[Provider] = &[
    google::GOOGLE,
    Provider {
        name: "github",
        title: "GitHub",
        server: IssuerSource::Endpoints {
            issuer: "https://github.com/login/oauth",
            authorization: "https://github.com/login/oauth/authorize",
            token: "https://github.com/login/oauth/access_token",
            userinfo: Some("https://api.github.com/user"),
        },
        hosts: &["github.com"],
        has_comma_scopes: true,
        redirect: RedirectRule::AnyPort,
        supports_pkce: true,
        registration: "https://github.com/settings/developers, with the callback URL http://127.0.0.1/callback",
        hint_parameter: "login",
        rotates: Some(true),
        login_errors: &[
            (
                "redirect_uri_mismatch",
                "register the callback URL http://127.0.0.1/callback; any port of it will do",
            ),
            (
                "incorrect_client_credentials",
                "GitHub wants the client secret too: name it with --client-secret-file",
            ),
            ("application_suspended", "the OAuth app is suspended; its owner has to ask GitHub"),
            ("device_flow_disabled", "enable the device flow in the settings of the OAuth app"),
        ],
        refresh_errors: &[
            ("bad_refresh_token", "GitHub ends a refresh token after six months"),
        ],
        device: DeviceDeviations {
            endpoint: Some("https://github.com/login/device/code"),
            has_form_responses: true,
            errors: &[
                ("token_expired", "expired_token"),
                ("incorrect_device_code", "invalid_grant"),
            ],
        },
        ..PROVIDER
    },
    Provider {
        name: "entra",
        title: "Microsoft Entra ID",
        server: IssuerSource::Endpoints {
            issuer: "https://login.microsoftonline.com/{tenant}/v2.0",
            authorization: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
            token: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
            userinfo: None,
        },
        hosts: &["login.microsoftonline.com"],
        parameters: &[("prompt", "select_account")],
        scopes: &["openid", "profile", "email", "offline_access"],
        redirect: RedirectRule::AnyPortOfLocalhost,
        supports_pkce: true,
        registration:
            "https://entra.microsoft.com under App registrations, as a mobile and desktop application with the \
                       redirect URI http://localhost/callback",
        rotates: Some(true),
        login_errors: &[
            (
                "AADSTS9010010",
                "Entra takes no resource beside these scopes: log in with --provider entra, or --no-resource",
            ),
            (
                "AADSTS50011",
                "register the redirect URI http://localhost/callback as a mobile and desktop application",
            ),
            (
                "AADSTS7000218",
                "allow public client flows in the app registration, or name its --client-secret-file",
            ),
            (
                "AADSTS700016",
                "the client is not known in this tenant: check --client-id and --tenant",
            ),
            ("AADSTS650053", "name scopes with their resource, such as --scope api://ID/NAME"),
            ("AADSTS65001", "an administrator of the tenant has to consent to the client"),
        ],
        device: DeviceDeviations {
            endpoint: Some("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode"),
            errors: &[
                ("authorization_declined", "access_denied"),
                ("bad_verification_code", "invalid_grant"),
            ],
            ..DEVICE
        },
        ..PROVIDER
    },
    Provider {
        name: "slack",
        title: "Slack",
        server: IssuerSource::Endpoints {
            issuer: "https://slack.com",
            authorization: "https://slack.com/oauth/v2_user/authorize",
            token: "https://slack.com/api/oauth.v2.user.access",
            userinfo: None,
        },
        hosts: &["slack.com", "mcp.slack.com"],
        has_comma_scopes: true,
        supports_pkce: true,
        registration: "https://api.slack.com/apps, with PKCE allowed so that a redirect URL on localhost is taken",
        login_errors: &[
            (
                "bad_redirect_uri",
                "Slack takes only the redirect URL that is registered: name it with --redirect-uri",
            ),
            ("bad_client_secret", "check --client-secret-file"),
        ],
        refresh_errors: &[
            ("invalid_refresh_token", "Slack ends the refresh token of a PKCE app after 30 days"),
        ],
        ..PROVIDER
    },
    Provider {
        name: "okta",
        title: "Okta",
        server: IssuerSource::Named("https://ORG.okta.com/oauth2/default"),
        hosts: &[".okta.com"],
        scopes: &["openid", "profile", "email", "offline_access"],
        takes_resource: true,
        supports_pkce: true,
        registration: "the admin console of your organisation, as an OIDC native application",
        ..PROVIDER
    },
    Provider {
        name: "auth0",
        title: "Auth0",
        server: IssuerSource::Named("https://TENANT.auth0.com/"),
        hosts: &[".auth0.com"],
        scopes: &["openid", "profile", "email", "offline_access"],
        takes_resource: true,
        supports_pkce: true,
        registration: "https://manage.auth0.com, as a native application; --param audience=URI names the API",
        ..PROVIDER
    },
    Provider {
        name: "gitlab",
        title: "GitLab",
        server: IssuerSource::Issuer("https://gitlab.com"),
        hosts: &["gitlab.com"],
        redirect: RedirectRule::AnyPort,
        supports_pkce: true,
        registration:
            "https://gitlab.com/-/user_settings/applications, with the redirect URI http://127.0.0.1/callback",
        rotates: Some(true),
        ..PROVIDER
    },
    Provider {
        name: "atlassian",
        title: "Atlassian",
        server: IssuerSource::Endpoints {
            issuer: "https://auth.atlassian.com",
            authorization: "https://auth.atlassian.com/authorize",
            token: "https://auth.atlassian.com/oauth/token",
            userinfo: Some("https://api.atlassian.com/me"),
        },
        hosts: &["auth.atlassian.com"],
        parameters: &[("audience", "api.atlassian.com"), ("prompt", "consent")],
        scopes: &["offline_access"],
        registration: "https://developer.atlassian.com/console/myapps, as an OAuth 2.0 integration",
        rotates: Some(true),
        ..PROVIDER
    },
];
