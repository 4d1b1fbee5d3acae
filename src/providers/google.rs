//! Google, and the scopes that each of its tools needs.

use super::{Failure, Provider, Redirect, Server};

/// Google.
pub const GOOGLE: Provider = Provider {
    name: "google",
    title: "Google",
    server: Server::Issuer("https://accounts.google.com"),
    hosts: &["accounts.google.com", "oauth2.googleapis.com", "www.googleapis.com"],
    // Without the first there is no refresh token at all, without the second only at the first login.
    parameters: &[("access_type", "offline"), ("prompt", "consent")],
    scopes: &BASE,
    has_comma_scopes: false,
    takes_resource: false,
    supports_pkce: true,
    redirect: Redirect::AnyPort,
    registration: "https://console.cloud.google.com/apis/credentials, as a desktop app, and download its JSON",
    hint_parameter: "login_hint",
    rotates: Some(false),
    failures: &[
        Failure::refresh(
            "invalid_grant",
            "Google ends a refresh token after seven days while the consent screen of its app is in \"Testing\": publish the app, then log in again",
        ),
        Failure::login(
            "access_denied",
            "run the command again, and agree in the browser; while the consent screen is in \"Testing\", only its test users can",
        ),
        Failure::login(
            "redirect_uri_mismatch",
            "a web client takes only the redirect URI that is registered: name it with --redirect-uri, or register a desktop app",
        ),
        Failure::login("invalid_client", "Google wants the client secret of a desktop app too: name the --client-file"),
    ],
};

/// What is always asked for: who the user is.
const BASE: [&str; 3] = [
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
];

/// What the other scopes begin with.
const PREFIX: &str = "https://www.googleapis.com/auth/";

/// A tool that uses Google, as workspace-mcp names it, with the scopes that it needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    full: &'static [&'static str],
    read_only: &'static [&'static str],
}

/// The tools, in the order in which they are listed.
///
/// Spec: workspace-mcp 2.2.1, `auth/scopes.py`; scopes that others cover are left out.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "gmail",
        full: &["gmail.modify", "gmail.settings.basic"],
        read_only: &["gmail.readonly"],
    },
    Tool {
        name: "drive",
        full: &["drive"],
        read_only: &["drive.readonly"],
    },
    Tool {
        name: "calendar",
        full: &["calendar"],
        read_only: &["calendar.readonly"],
    },
    Tool {
        name: "docs",
        full: &["documents", "drive.readonly", "drive.file"],
        read_only: &["documents.readonly", "drive.readonly"],
    },
    Tool {
        name: "sheets",
        full: &["spreadsheets", "drive.readonly", "drive.file"],
        read_only: &["spreadsheets.readonly", "drive.readonly"],
    },
    Tool {
        name: "forms",
        full: &["forms.body", "forms.responses.readonly"],
        read_only: &["forms.body.readonly", "forms.responses.readonly"],
    },
    Tool {
        name: "slides",
        full: &["presentations"],
        read_only: &["presentations.readonly"],
    },
    Tool {
        name: "tasks",
        full: &["tasks"],
        read_only: &["tasks.readonly"],
    },
    Tool {
        name: "search",
        full: &["cse"],
        read_only: &["cse"],
    },
    Tool {
        name: "chat",
        full: &[
            "chat.messages",
            "chat.spaces",
            "chat.memberships.readonly",
            "contacts.readonly",
        ],
        read_only: &[
            "chat.messages.readonly",
            "chat.spaces.readonly",
            "chat.memberships.readonly",
            "contacts.readonly",
        ],
    },
    Tool {
        name: "contacts",
        full: &["contacts"],
        read_only: &["contacts.readonly"],
    },
    Tool {
        name: "appscript",
        full: &[
            "script.projects",
            "script.deployments",
            "script.processes",
            "script.metrics",
            "script.external_request",
            "script.scriptapp",
            "drive",
        ],
        read_only: &[
            "script.projects.readonly",
            "script.deployments.readonly",
            "script.processes",
            "script.metrics",
            "drive.readonly",
        ],
    },
];

/// Scopes, and those that each of them covers.
const COVERS: [(&str, &[&str]); 13] = [
    (
        "gmail.modify",
        &[
            "gmail.readonly",
            "gmail.send",
            "gmail.compose",
            "gmail.labels",
        ],
    ),
    ("drive", &["drive.readonly", "drive.file"]),
    ("calendar", &["calendar.readonly", "calendar.events"]),
    ("documents", &["documents.readonly"]),
    ("spreadsheets", &["spreadsheets.readonly"]),
    ("forms.body", &["forms.body.readonly"]),
    ("presentations", &["presentations.readonly"]),
    ("tasks", &["tasks.readonly"]),
    ("contacts", &["contacts.readonly"]),
    ("chat.messages", &["chat.messages.readonly"]),
    ("chat.spaces", &["chat.spaces.readonly"]),
    ("script.projects", &["script.projects.readonly"]),
    ("script.deployments", &["script.deployments.readonly"]),
];

/// The tools that a login is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tools {
    chosen: Vec<&'static Tool>,
    read_only: bool,
}

impl Tools {
    /// Finds the tools by their names.
    ///
    /// # Errors
    ///
    /// The name that is none.
    pub fn named(names: &[String], read_only: bool) -> Result<Self, String> {
        let find = |name: &String| {
            TOOLS
                .iter()
                .find(|tool| tool.name == name)
                .ok_or_else(|| name.clone())
        };
        Ok(Self {
            chosen: names.iter().map(find).collect::<Result<_, _>>()?,
            read_only,
        })
    }

    /// Returns the scopes to ask for: those of all tools, but for the ones that others cover, and who the user is.
    pub fn scopes(&self) -> Vec<String> {
        let needed: Vec<_> = self
            .chosen
            .iter()
            .flat_map(|tool| self.needs(tool).iter().copied())
            .collect();
        let mut scopes = BASE.map(str::to_owned).to_vec();
        for scope in &needed {
            let covered = needed.iter().any(|other| covers(other, scope));
            let full = format!("{PREFIX}{scope}");
            if !covered && !scopes.contains(&full) {
                scopes.push(full);
            }
        }
        scopes
    }

    /// Returns the tools that will not work with the scopes that were granted.
    pub fn without(&self, granted: &[String]) -> Vec<&'static str> {
        let granted: Vec<_> = granted
            .iter()
            .filter_map(|scope| scope.strip_prefix(PREFIX))
            .collect();
        let has = |needed: &&str| {
            granted
                .iter()
                .any(|scope| scope == needed || covers(scope, needed))
        };
        let lame = self
            .chosen
            .iter()
            .filter(|tool| !self.needs(tool).iter().all(&has));
        lame.map(|tool| tool.name).collect()
    }

    fn needs(&self, tool: &Tool) -> &'static [&'static str] {
        if self.read_only {
            tool.read_only
        } else {
            tool.full
        }
    }
}

fn covers(broad: &str, narrow: &str) -> bool {
    COVERS
        .iter()
        .any(|(scope, covered)| *scope == broad && covered.contains(&narrow))
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
        let tools = Tools::named(
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
        let tools = Tools::named(&names("gmail docs sheets"), true).expect("tools");
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
        let tools = Tools::named(&names("docs"), false).expect("tools");
        assert_eq!(
            short(&tools.scopes())[3..],
            ["documents", "drive.readonly", "drive.file"]
        );
        let with_contacts = Tools::named(&names("chat contacts"), false).expect("tools");
        assert!(!short(&with_contacts.scopes()).contains(&"contacts.readonly"));
    }

    #[test]
    fn tools_without_their_scopes() {
        let tools = Tools::named(&names("gmail drive calendar docs"), false).expect("tools");
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
            Tools::named(&names("gmail maps"), false),
            Err("maps".to_owned())
        );
    }
}
