//! A stand-in for Google: it wants the client's secret, gives a refresh token only to those who ask for one in its own way,
//! never replaces it, and says whose account it is at its userinfo endpoint.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::{json, Value};
use tempfile::TempDir;

use super::fake::{Fake, Reply, Seen};
use super::program::{Program, LOGIN_LIMIT};

/// What the stand-in does besides.
#[derive(Clone)]
pub struct Manners {
    /// The account that the user chooses.
    pub account: &'static str,
    /// The scopes that the user agrees to; all if none are named.
    pub granted: Option<String>,
    /// It gives a refresh token, if asked for it rightly.
    pub refreshable: bool,
    /// How long an access token of a login lives, in seconds.
    pub lifetime: u64,
    /// It refuses to refresh.
    pub refuses: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            account: "Ann@example.com",
            granted: None,
            refreshable: true,
            lifetime: 3600,
            refuses: false,
        }
    }
}

/// The client.
const CLIENT_ID: &str = "c.apps.googleusercontent.com";

/// The secret of the client.
pub const SECRET: &str = "GOCSPX-c4nary";

/// The stand-in, and a directory for the user's client file.
pub struct Google {
    pub fake: Fake,
    manners: Arc<Mutex<Manners>>,
    directory: TempDir,
}

impl Google {
    pub fn start() -> Self {
        let manners = Arc::<Mutex<Manners>>::default();
        let shared = Arc::clone(&manners);
        let fake = Fake::with(move |seen, fake| {
            let manners = shared.lock().expect("the manners").clone();
            match (seen.method.as_str(), seen.path.as_str()) {
                ("POST", "/token") => Some(token(&manners, seen, fake)),
                ("GET", "/userinfo") => Some(userinfo(&manners, seen)),
                ("GET", "/.well-known/oauth-authorization-server") => {
                    let mut metadata = fake.server_metadata();
                    metadata["userinfo_endpoint"] = format!("{}/userinfo", fake.origin()).into();
                    metadata["token_endpoint_auth_methods_supported"] =
                        json!(["client_secret_post", "client_secret_basic"]);
                    metadata
                        .as_object_mut()
                        .expect("an object")
                        .remove("registration_endpoint");
                    Some(Reply::json(200, &metadata))
                }
                _ => None,
            }
        });
        Self {
            fake,
            manners,
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// Changes what it does from now on.
    pub fn behave(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.manners.lock().expect("the manners"));
    }

    /// Returns the user's client file for a desktop app, with the stand-in's endpoints.
    pub fn desktop_file(&self) -> PathBuf {
        self.client_file("installed", json!(["http://localhost"]))
    }

    /// Returns the user's client file for a web client with this redirect URI.
    pub fn web_file(&self, redirect_uri: &str) -> PathBuf {
        self.client_file(
            "web",
            json!(["https://app.example.com/callback", redirect_uri]),
        )
    }

    fn client_file(&self, kind: &str, redirect_uris: Value) -> PathBuf {
        let origin = self.fake.origin();
        let client = json!({
            "client_id": CLIENT_ID,
            "project_id": "p",
            "auth_uri": format!("{origin}/authorize"),
            "token_uri": format!("{origin}/token"),
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_secret": SECRET,
            "redirect_uris": redirect_uris,
        });
        let path = self.directory.path().join(format!("{kind}.json"));
        fs::write(&path, json!({ kind: client }).to_string()).expect("a client file");
        path
    }

    /// Prepares a login in this home.
    pub fn login(&self, home: &Path, client_file: &Path) -> Program {
        let program = Program::new().args([
            "--json",
            "--store",
            "file",
            "--no-browser",
            "--provider",
            "google",
        ]);
        program
            .env("MCP_LOGIN_TIMEOUT", LOGIN_LIMIT)
            .at_home(home)
            .arg("--client-file")
            .arg(client_file)
    }
}

fn token(manners: &Manners, seen: &Seen, fake: &Fake) -> Reply {
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{SECRET}")));
    let is_known = seen.header("authorization") == Some(&basic);
    if !is_known && seen.parameter("client_secret").as_deref() != Some(SECRET) {
        return Reply::json(401, &json!({"error": "invalid_client"}));
    }
    if seen.parameter("grant_type").as_deref() == Some("refresh_token") {
        return refresh(manners, seen, fake);
    }
    let asked = fake
        .seen_at("/authorize")
        .pop()
        .expect("an authorization request");
    let Reply::Full {
        status: 200, body, ..
    } = fake.behave(seen)
    else {
        return Reply::status(400);
    };
    let mut answer: Value = serde_json::from_slice(&body).expect("JSON");
    let offline = asked.parameter("access_type").as_deref() == Some("offline");
    let consent = asked.parameter("prompt").as_deref() == Some("consent");
    if !(manners.refreshable && offline && consent) {
        answer
            .as_object_mut()
            .expect("an object")
            .remove("refresh_token");
    }
    answer["expires_in"] = manners.lifetime.into();
    if let Some(granted) = &manners.granted {
        answer["scope"] = granted.as_str().into();
    }
    Reply::json(200, &answer)
}

fn refresh(manners: &Manners, seen: &Seen, fake: &Fake) -> Reply {
    let known = seen
        .parameter("refresh_token")
        .is_some_and(|token| token.starts_with("refresh-"));
    if manners.refuses || !known {
        return Reply::json(
            400,
            &json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}),
        );
    }
    let number = fake.seen_at("/token").len();
    let scope = seen.parameter("scope").unwrap_or_default();
    Reply::json(
        200,
        &json!({"access_token": format!("access-{number}"), "expires_in": 3599, "token_type": "Bearer", "scope": scope}),
    )
}

fn userinfo(manners: &Manners, seen: &Seen) -> Reply {
    match seen.header("authorization") {
        Some(value) if value.starts_with("Bearer access-") => Reply::json(
            200,
            &json!({"sub": "1", "email": manners.account, "email_verified": true}),
        ),
        _ => Reply::status(401),
    }
}
