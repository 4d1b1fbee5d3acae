//! Servers that rotate refresh tokens: each is spent once, and whoever shows a spent one loses the whole family. And
//! homes with logins to them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{json, Map, Value};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::fake::{Deviation, Fake, Gate, Reply, Seen};
use super::program::{until_done, Finished, Program};

#[derive(Default)]
struct Issued {
    /// The family of each refresh token, and whether it was spent.
    tokens: BTreeMap<String, (u64, bool)>,
    revoked: Vec<u64>,
    reused: bool,
    count: u64,
    refreshes: usize,
    /// The access token of a login expires at once.
    short_logins: bool,
    /// A login brings no refresh token.
    bare_logins: bool,
}

/// Such servers.
#[derive(Clone)]
pub struct Rotating {
    pub fake: Fake,
    issued: Arc<Mutex<Issued>>,
}

impl Rotating {
    pub fn start() -> Self {
        Self::with(|_, _| None)
    }

    /// Starts servers that answer no refresh until the gate is opened.
    pub fn behind_a_gate() -> (Self, Gate) {
        let gate = Gate::default();
        let held = gate.clone();
        let servers = Self::with(move |_, _| {
            held.pass();
            None
        });
        (servers, gate)
    }

    /// Starts servers at which a hook may answer a refresh in another way, given its number, from 1. What it does not answer
    /// is done well.
    pub fn with(hook: impl Fn(&Seen, usize) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self::beside(hook, |_, _| None)
    }

    /// Starts servers as [`Rotating::with`] does; what has no other answer is asked of `others`.
    pub fn beside(
        hook: impl Fn(&Seen, usize) -> Option<Reply> + Send + Sync + 'static,
        others: impl Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let issued: Arc<Mutex<Issued>> = Arc::default();
        let fake = Fake::with(rotate(
            Arc::clone(&issued),
            Box::new(hook),
            Box::new(others),
        ));
        Self { fake, issued }
    }

    /// Serves a person who logs in by hand, prints each request, and ends with the process.
    pub fn serve_by_hand() -> ! {
        let rotate = rotate(Arc::default(), Box::new(|_, _| None), Box::new(|_, _| None));
        let fake = Fake::with(move |seen, fake| {
            println!("{} {} {}", seen.method, seen.path, seen.query);
            rotate(seen, fake)
        });
        println!("the protected MCP server is {}", fake.mcp());
        loop {
            std::thread::park();
        }
    }

    /// Begins a family without a login, and returns its first refresh token.
    pub fn family(&self) -> String {
        let Reply::Full { body, .. } = begin(&mut self.issued.lock().expect("the state")) else {
            unreachable!()
        };
        let tokens: Value = serde_json::from_slice(&body).expect("JSON");
        tokens["refresh_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// From now on the access token of a login lives for a second.
    pub fn shorten_logins(&self) {
        self.issued.lock().expect("the state").short_logins = true;
    }

    /// From now on a login brings no refresh token.
    pub fn withhold_refresh_tokens(&self) {
        self.issued.lock().expect("the state").bare_logins = true;
    }

    /// Returns the number of the newest token.
    pub fn newest(&self) -> u64 {
        self.issued.lock().expect("the state").count
    }

    /// Revokes all refresh tokens that were issued so far.
    pub fn revoke_all(&self) {
        let mut issued = self.issued.lock().expect("the state");
        let families: Vec<_> = issued.tokens.values().map(|(family, _)| *family).collect();
        issued.revoked.extend(families);
    }

    /// Returns how many refreshes were asked for.
    pub fn refreshes(&self) -> usize {
        self.issued.lock().expect("the state").refreshes
    }

    /// Tells whether somebody showed a refresh token that was spent.
    pub fn was_reused(&self) -> bool {
        self.issued.lock().expect("the state").reused
    }

    /// Tells whether a refresh token is still good.
    pub fn is_good(&self, refresh_token: &str) -> bool {
        let issued = self.issued.lock().expect("the state");
        issued
            .tokens
            .get(refresh_token)
            .is_some_and(|(family, spent)| !spent && !issued.revoked.contains(family))
    }
}

/// Answers a refresh in another way, given its number.
type Hook = dyn Fn(&Seen, usize) -> Option<Reply> + Send + Sync;

/// Returns how servers answer that rotate refresh tokens; what is nothing of theirs is asked of `others`.
fn rotate(
    state: Arc<Mutex<Issued>>,
    hook: Box<Hook>,
    others: Box<Deviation>,
) -> impl Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync + 'static {
    move |seen, fake| match seen.path.as_str() {
        "/token" if seen.parameter("grant_type").as_deref() == Some("refresh_token") => {
            let number = {
                let mut issued = state.lock().expect("the state");
                issued.refreshes += 1;
                issued.refreshes
            };
            Some(
                hook(seen, number)
                    .unwrap_or_else(|| refresh(&mut state.lock().expect("the state"), seen)),
            )
        }
        "/token" => {
            let Reply::Full { status: 200, .. } = fake.behave(seen) else {
                return Some(Reply::status(400));
            };
            Some(begin(&mut state.lock().expect("the state")))
        }
        "/revoke" => {
            let mut issued = state.lock().expect("the state");
            let token = seen.parameter("token").unwrap_or_default();
            let family = issued.tokens.get(&token).map(|(family, _)| *family);
            issued.revoked.extend(family);
            Some(Reply::status(200))
        }
        _ => others(seen, fake),
    }
}

fn begin(issued: &mut Issued) -> Reply {
    issued.count += 1;
    let family = issued.count;
    if issued.bare_logins {
        let access = format!("access-{family}");
        return Reply::json(
            200,
            &json!({"access_token": access, "token_type": "Bearer", "expires_in": 3600}),
        );
    }
    let expires_in = if issued.short_logins { 1 } else { 3600 };
    issue(issued, family, expires_in)
}

fn issue(issued: &mut Issued, family: u64, expires_in: u64) -> Reply {
    issued.count += 1;
    let number = issued.count;
    issued
        .tokens
        .insert(format!("refresh-{number}"), (family, false));
    Reply::json(
        200,
        &json!({
            "access_token": format!("access-{number}"), "token_type": "Bearer", "expires_in": expires_in,
            "refresh_token": format!("refresh-{number}"), "scope": "read",
        }),
    )
}

/// Spends a refresh token.
fn refresh(issued: &mut Issued, seen: &Seen) -> Reply {
    let refuse = |why: &str| {
        Reply::json(
            400,
            &json!({"error": "invalid_grant", "error_description": why}),
        )
    };
    let token = seen.parameter("refresh_token").unwrap_or_default();
    let Some((family, spent)) = issued.tokens.get_mut(&token) else {
        return refuse("no such token");
    };
    let family = *family;
    if std::mem::replace(spent, true) {
        issued.reused = true;
        issued.revoked.push(family);
    }
    if issued.revoked.contains(&family) {
        return refuse("the family is revoked");
    }
    issue(issued, family, 3600)
}

/// A home directory with logins in its credentials file.
pub struct Home {
    directory: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// Returns a home with an expired login to these servers, and one to another.
    pub fn expired(servers: &Rotating) -> Self {
        let home = Self::new();
        let login = login(&servers.fake, json!({"refresh_token": servers.family()}));
        home.put(&[
            login,
            login_to("https://other.example/mcp", &servers.fake, json!({})),
        ]);
        home
    }

    /// Returns a home with one login to a fake, which differs from an expired one in these members.
    pub fn with(fake: &Fake, members: Value) -> Self {
        let home = Self::new();
        home.put(&[login(fake, members)]);
        home
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join(".local/share/mcp-login")
    }

    pub fn credentials(&self) -> PathBuf {
        self.data().join("credentials.json")
    }

    /// Returns the text of the credentials file.
    pub fn text(&self) -> String {
        fs::read_to_string(self.credentials()).expect("a credentials file")
    }

    /// Writes the credentials file as the program does: one login a line. The index is made anew by what follows.
    pub fn put(&self, logins: &[Value]) {
        let line = |login: &Value| {
            let (server, profile) = (
                login["server"].as_str().expect("a server"),
                &login["profile"],
            );
            let account = if profile == "default" {
                server.to_owned()
            } else {
                format!("{server}#{}", profile.as_str().expect("a profile"))
            };
            format!("{}: {login}", Value::from(account))
        };
        let lines: Vec<_> = logins.iter().map(line).collect();
        fs::create_dir_all(self.data()).expect("a directory");
        let _ = fs::remove_file(self.data().join("index.json"));
        write(
            &self.credentials(),
            &format!(
                "{{\"version\":1,\"logins\":{{\n{}\n}}}}\n",
                lines.join(",\n")
            ),
        );
    }

    /// Returns all logins, by account.
    pub fn logins(&self) -> Map<String, Value> {
        let file: Value = serde_json::from_str(&self.text()).expect("a valid credentials file");
        file["logins"].as_object().expect("logins").clone()
    }

    /// Returns the login to a fake; null if the file has none.
    pub fn kept(&self, fake: &Fake) -> Value {
        if !self.credentials().exists() {
            return Value::Null;
        }
        self.logins().get(&fake.mcp()).cloned().unwrap_or_default()
    }

    /// Lets all access tokens expire.
    pub fn expire(&self) {
        let mut logins: Vec<_> = self.logins().into_iter().map(|(_, login)| login).collect();
        for login in &mut logins {
            login["obtained_at"] = "2020-01-01T00:00:00Z".into();
            login["expires_at"] = "2020-01-01T01:00:00Z".into();
        }
        self.put(&logins);
    }

    /// Prepares a command in this home, with the file as the store.
    pub fn command(&self, command: &str, args: &[&str]) -> Program {
        Program::new()
            .at_home(self.path())
            .args([command, "--store", "file"])
            .args(args)
    }

    /// Prepares a command for the login to a fake.
    pub fn at(&self, command: &str, fake: &Fake) -> Program {
        self.command(command, &[&fake.mcp()])
    }

    /// Returns the lock of the login to a fake.
    pub fn lock_of(&self, fake: &Fake) -> PathBuf {
        let hash = Sha256::digest(fake.mcp());
        let name: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        self.data().join(format!("refresh/{name}.lock"))
    }

    /// Runs `token` for the login to a fake, until it is done.
    pub fn token(&self, fake: &Fake) -> Finished {
        until_done(|| self.at("token", fake))
    }

    /// Returns the files of a directory whose names hold this.
    pub fn files_with(&self, part: &str) -> Vec<PathBuf> {
        let mut found: Vec<_> = self.all_files();
        found.retain(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().contains(part))
        });
        found
    }

    /// Returns all files.
    pub fn all_files(&self) -> Vec<PathBuf> {
        let (mut files, mut left) = (Vec::new(), vec![self.path().to_owned()]);
        while let Some(directory) = left.pop() {
            for path in fs::read_dir(&directory)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
            {
                if path.is_dir() { &mut left } else { &mut files }.push(path);
            }
        }
        files
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("writing");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
}

/// Returns an expired login to a fake, with other members than usual.
pub fn login(fake: &Fake, members: Value) -> Value {
    login_to(&fake.mcp(), fake, members)
}

/// Returns an expired login to a server.
pub fn login_to(server: &str, fake: &Fake, members: Value) -> Value {
    let origin = fake.origin();
    let mut login = json!({
        "server": server, "profile": "default", "generation": 1, "issuer": origin, "resource": server,
        "registration": "dcr", "client_id": "mine", "client_secret": null, "client_auth": "none",
        "redirect_uri": "http://127.0.0.1:40000/callback", "token_endpoint": format!("{origin}/token"),
        "revocation_endpoint": format!("{origin}/revoke"), "scopes_requested": ["read"], "scopes": ["read"],
        "account": null, "access_token": "access-0", "refresh_token": "refresh-0",
        "obtained_at": "2020-01-01T00:00:00Z", "expires_at": "2020-01-01T01:00:00Z",
    });
    for (name, value) in members.as_object().expect("members") {
        login[name] = value.clone();
    }
    login
}
