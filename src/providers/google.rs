//! Google, and the scopes that each of its tools needs.

use super::{IssuerSource, Provider, RedirectRule, PROVIDER};

/// Google.
pub const GOOGLE: Provider = Provider {
    name: "google",
    title: "Google",
    server: IssuerSource::Issuer("https://accounts.google.com"),
    hosts: &["accounts.google.com", "oauth2.googleapis.com", "www.googleapis.com"],
    // Without the first there is no refresh token at all, without the second only at the first login.
    parameters: &[("access_type", "offline"), ("prompt", "consent")],
    scopes: &BASE,
    redirect: RedirectRule::AnyPort,
    supports_pkce: true,
    registration: "https://console.cloud.google.com/apis/credentials, as a desktop app, and download its JSON",
    rotates: Some(false),
    login_errors: &[
        (
            "access_denied",
            "run the command again, and agree in the browser; while the consent screen is in \"Testing\", only its test users can",
        ),
        (
            "redirect_uri_mismatch",
            "a web client takes only the redirect URI that is registered: name it with --redirect-uri, or register a desktop app",
        ),
        (
            "invalid_client",
            "Google wants the client secret of a desktop app too: name the --client-file",
        ),
    ],
    refresh_errors: &[
        (
            "invalid_grant",
            "Google ends a refresh token after seven days while the consent screen of its app is in \"Testing\": publish the app, then log in again",
        ),
    ],
    ..PROVIDER
};

/// The scopes that are always asked for: who the user is.
const BASE: [&str; 3] = [
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
];

/// What the other scopes begin with.
const PREFIX: &str = "https://www.googleapis.com/auth/";

/// The tools that use Google, as workspace-mcp names them: name, scopes, scopes for `--read-only`.
///
/// Spec: workspace-mcp 2.2.1, `auth/scopes.py`; scopes that others cover are left out.
pub const TOOLS: &[(&str, &str, &str)] = &[
    ("gmail", "gmail.modify gmail.settings.basic", "gmail.readonly"),
    ("drive", "drive", "drive.readonly"),
    ("calendar", "calendar", "calendar.readonly"),
    ("docs", "documents drive.readonly drive.file", "documents.readonly drive.readonly"),
    ("sheets", "spreadsheets drive.readonly drive.file", "spreadsheets.readonly drive.readonly"),
    ("forms", "forms.body forms.responses.readonly", "forms.body.readonly forms.responses.readonly"),
    ("slides", "presentations", "presentations.readonly"),
    ("tasks", "tasks", "tasks.readonly"),
    ("search", "cse", "cse"),
    ("chat", "chat.messages chat.spaces chat.memberships.readonly contacts.readonly", "chat.messages.readonly chat.spaces.readonly chat.memberships.readonly contacts.readonly"),
    ("contacts", "contacts", "contacts.readonly"),
    ("appscript", "script.projects script.deployments script.processes script.metrics script.external_request script.scriptapp drive", "script.projects.readonly script.deployments.readonly script.processes script.metrics drive.readonly"),
];

/// Scopes, and those that each of them covers.
const COVERS: [(&str, &str); 13] = [
    (
        "gmail.modify",
        "gmail.readonly gmail.send gmail.compose gmail.labels",
    ),
    ("drive", "drive.readonly drive.file"),
    ("calendar", "calendar.readonly calendar.events"),
    ("documents", "documents.readonly"),
    ("spreadsheets", "spreadsheets.readonly"),
    ("forms.body", "forms.body.readonly"),
    ("presentations", "presentations.readonly"),
    ("tasks", "tasks.readonly"),
    ("contacts", "contacts.readonly"),
    ("chat.messages", "chat.messages.readonly"),
    ("chat.spaces", "chat.spaces.readonly"),
    ("script.projects", "script.projects.readonly"),
    ("script.deployments", "script.deployments.readonly"),
];

/// The tools that a login is for: the name of each, and the scopes that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoogleTools(Vec<(&'static str, &'static str)>);

impl GoogleTools {
    /// Finds tools by their names.
    ///
    /// # Errors
    ///
    /// The first unknown name.
    pub fn named(names: &[String], read_only: bool) -> Result<Self, String> {
        let mut tools = Vec::new();
        for name in names {
            match TOOLS.iter().find(|tool| tool.0 == name) {
                Some((name, _, scopes)) if read_only => tools.push((*name, *scopes)),
                Some((name, scopes, _)) => tools.push((*name, *scopes)),
                None => return Err(name.clone()),
            }
        }
        Ok(Self(tools))
    }

    /// Returns the scopes to ask for: `BASE`, and those of all tools but the ones that others cover.
    pub fn scopes(&self) -> Vec<String> {
        let tools = self.0.iter();
        let needed: Vec<_> = tools.flat_map(|tool| tool.1.split(' ')).collect();
        let mut scopes = BASE.map(str::to_owned).to_vec();
        for scope in &needed {
            let full = format!("{PREFIX}{scope}");
            if !needed.iter().any(|other| covers(other, scope)) && !scopes.contains(&full) {
                scopes.push(full);
            }
        }
        scopes
    }

    /// Returns the tools that do not work with the scopes that were granted.
    pub fn without(&self, granted: &[String]) -> Vec<&'static str> {
        let granted = granted.iter().filter_map(|it| it.strip_prefix(PREFIX));
        let granted: Vec<_> = granted.collect();
        let is_granted = |needed: &str| {
            let mut granted = granted.iter();
            granted.any(|scope| *scope == needed || covers(scope, needed))
        };
        let mut unusable = self.0.clone();
        unusable.retain(|(_, scopes)| !scopes.split(' ').all(is_granted));
        unusable.into_iter().map(|(name, _)| name).collect()
    }
}

fn covers(broad: &str, narrow: &str) -> bool {
    let mut rows = COVERS.iter().filter(|(scope, _)| *scope == broad);
    rows.any(|(_, covered)| covered.split(' ').any(|scope| scope == narrow))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn short(scopes: &[String]) -> Vec<&str> {
        scopes
            .iter()
            .map(|scope| scope.strip_prefix(PREFIX).unwrap_or(scope))
            .collect()
    }

    #[test]
    fn u18_nine_tools_need_fourteen_scopes() {
        let tools = GoogleTools::named(
            &names("gmail drive calendar docs sheets forms slides tasks search"),
            false,
        )
        .expect("tools");
        let scopes = tools.scopes();
        assert_eq!(
            short(&scopes),
            names(
                "openid userinfo.email userinfo.profile gmail.modify gmail.settings.basic drive calendar documents \
                 spreadsheets forms.body forms.responses.readonly presentations tasks cse"
            )
        );
        assert!(tools.without(&scopes).is_empty());
    }

    #[test]
    fn u18_read_only_scopes() {
        let tools = GoogleTools::named(&names("gmail docs sheets"), true).expect("tools");
        assert_eq!(
            short(&tools.scopes()),
            names(
                "openid userinfo.email userinfo.profile gmail.readonly documents.readonly drive.readonly \
                 spreadsheets.readonly"
            )
        );
    }

    #[test]
    fn docs_without_drive_need_its_narrow_scopes() {
        let tools = GoogleTools::named(&names("docs"), false).expect("tools");
        assert_eq!(
            short(&tools.scopes())[3..],
            ["documents", "drive.readonly", "drive.file"]
        );
        let with_contacts = GoogleTools::named(&names("chat contacts"), false).expect("tools");
        assert!(!short(&with_contacts.scopes()).contains(&"contacts.readonly"));
    }

    #[test]
    fn tools_without_their_scopes() {
        let tools = GoogleTools::named(&names("gmail drive calendar docs"), false).expect("tools");
        let granted = |text: &str| {
            names(text)
                .iter()
                .map(|scope| format!("{PREFIX}{scope}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            tools.without(&granted(
                "gmail.modify gmail.settings.basic documents drive"
            )),
            ["calendar"]
        );
        assert_eq!(
            tools.without(&granted("drive.readonly")),
            ["gmail", "drive", "calendar", "docs"]
        );
        assert_eq!(
            GoogleTools::named(&names("gmail maps"), false),
            Err("maps".to_owned())
        );
    }

    #[test]
    fn the_manual_page_lists_every_tool() {
        let page = include_str!("../../man/mcp-login.1");
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut names: Vec<_> = TOOLS.iter().map(|(name, ..)| *name).collect();
        names.sort_unstable();
        let last = names.pop().expect("a tool");
        let list = format!("are {} and {last};", names.join(", "));
        assert!(page.contains(&list), "{list}");
    }
}
