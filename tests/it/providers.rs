//! Providers whose ways are known: Google whole, and what the others need.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{json, Value};
use tempfile::TempDir;

use crate::support::fake::{Fake, Reply};
use crate::support::google::{Google, SECRET};
use crate::support::parameter;
use crate::support::program::{Finished, Program};

const SCOPES: &str = "https://www.googleapis.com/auth/";

fn home() -> TempDir {
    tempfile::tempdir().expect("a home")
}

fn logins(home: &Path) -> Value {
    let path = home.join(".local/share/mcp-login/credentials.json");
    let file: Value =
        serde_json::from_str(&fs::read_to_string(path).expect("a credentials file")).expect("JSON");
    file["logins"].clone()
}

/// Runs a command of the program in a home.
fn command(home: &Path, args: &[&str]) -> Finished {
    Program::new()
        .args(["--store", "file"])
        .args(args)
        .at_home(home)
        .run()
}

#[apply(test)]
fn u19_u26_google_by_its_client_file() {
    let (google, home) = (Google::start(), home());
    let mut login = google.login(home.path(), &google.desktop_file());
    login = login.args([
        "--tools",
        "gmail,drive,calendar",
        "--login-hint",
        "ann@example.com",
    ]);
    let mut running = login.start();
    let url = running.authorization_url();
    running.agree_at(&url);
    let finished = running.finish().expect(0);
    for (name, value) in [
        ("access_type", Some("offline")),
        ("prompt", Some("consent")),
        ("login_hint", Some("ann@example.com")),
        ("client_id", Some("c.apps.googleusercontent.com")),
        ("resource", None),
    ] {
        assert_eq!(parameter(&url, name).as_deref(), value, "{name}");
    }
    let short = parameter(&url, "scope")
        .expect("scopes")
        .replace(SCOPES, "");
    assert_eq!(
        short,
        "openid userinfo.email userinfo.profile gmail.modify gmail.settings.basic drive calendar"
    );
    assert_eq!(
        google.fake.seen().len(),
        2,
        "no search for what is known: {:?}",
        google.fake.seen()
    );
    let kept = &logins(home.path())["google#ann@example.com"];
    for (member, value) in [
        ("server", json!("google")),
        ("profile", json!("ann@example.com")),
        ("provider", json!("google")),
        ("account", json!("ann@example.com")),
        ("resource", Value::Null),
        ("refresh_token", json!("refresh-1")),
        ("client_secret", json!(SECRET)),
        (
            "token_endpoint",
            json!(format!("{}/token", google.fake.origin())),
        ),
    ] {
        assert_eq!(kept[member], value, "{member}");
    }
    assert!(
        finished.stderr.contains("does not say whose account"),
        "{}",
        finished.stderr
    );
    for args in [&["token", "google"][..], &["token"]] {
        assert_eq!(
            command(home.path(), args).expect(0).stdout,
            "access-1",
            "the only login needs no --profile"
        );
    }
}

#[apply(test)]
fn u26_two_accounts_stay_apart() {
    let (google, home) = (Google::start(), home());
    for account in ["ann@example.com", "bob@example.com"] {
        google
            .login(home.path(), &google.desktop_file())
            .args(["--tools", "drive", "--email", account])
            .agree()
            .expect(0);
    }
    let finished = command(home.path(), &["token", "google"]).expect(2);
    assert!(
        finished.stderr.contains("ann@example.com, bob@example.com"),
        "{}",
        finished.stderr
    );
    let finished = command(home.path(), &["token"]).expect(2);
    assert!(
        finished.stderr.contains("there are several logins"),
        "{}",
        finished.stderr
    );
    let finished = command(home.path(), &["token", "--profile", "carl"]).expect(3);
    assert!(
        finished.stderr.contains("no SERVER is given"),
        "{}",
        finished.stderr
    );
    for (account, token) in [
        ("ann@example.com", "access-1"),
        ("bob@example.com", "access-2"),
    ] {
        assert_eq!(
            command(home.path(), &["--profile", account, "token", "google"])
                .expect(0)
                .stdout,
            token
        );
    }
    let status = command(home.path(), &["status", "--json", "google"])
        .expect(0)
        .stdout;
    let status: Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(
        status["logins"].as_array().map(Vec::len),
        Some(2),
        "{status}"
    );
    let named = google.login(home.path(), &google.desktop_file()).args([
        "--tools",
        "drive",
        "--profile",
        "work",
    ]);
    named
        .args(["--email", "ann@example.com", "mine"])
        .agree()
        .expect(0);
    assert_eq!(
        logins(home.path())["mine#work"]["account"],
        "ann@example.com"
    );
}

#[apply(test)]
fn the_account_is_from_google() {
    let (google, home) = (Google::start(), home());
    let login = google
        .login(home.path(), &google.desktop_file())
        .args(["--issuer", &google.fake.origin()]);
    let finished = login
        .args(["--tools", "drive", "--email", "ann@example.com"])
        .agree()
        .expect(0);
    assert_eq!(finished.event("logged_in")["account"], "Ann@example.com");
    assert_eq!(
        logins(home.path())["google#ann@example.com"]["account"],
        "Ann@example.com"
    );
    assert!(finished
        .stderr
        .contains("this is the account Ann@example.com, and you named ann@example.com"));
    let asked = google.fake.seen_at("/userinfo");
    assert_eq!(asked[0].header("authorization"), Some("Bearer access-1"));
}

#[apply(test)]
fn a_login_without_an_account_is_good() {
    let fake = Fake::with(|seen, fake| match seen.path.as_str() {
        "/.well-known/oauth-authorization-server" => {
            let mut metadata = fake.server_metadata();
            metadata["userinfo_endpoint"] = format!("{}/broken", fake.origin()).into();
            Some(Reply::json(200, &metadata))
        }
        "/broken" => Some(Reply::text(200, "application/json", "{\"email\":")),
        _ => None,
    });
    let login = Program::new().args([
        "--json",
        "--store",
        "file",
        "--no-browser",
        "--provider",
        "gitlab",
    ]);
    let finished = login
        .args([
            "--issuer",
            &fake.origin(),
            "--client-id",
            "c",
            "--scope",
            "api",
        ])
        .agree()
        .expect(0);
    assert_eq!(finished.event("logged_in")["account"], Value::Null);
    assert_eq!(fake.seen_at("/broken").len(), 1);
}

#[apply(test)]
fn scopes_that_were_not_granted_are_reported() {
    let (google, home) = (Google::start(), home());
    google.behave(|manners| {
        manners.granted = Some(format!("openid {SCOPES}drive {SCOPES}gmail.modify"))
    });
    let login = google.login(home.path(), &google.desktop_file());
    let finished = login
        .args(["--tools", "gmail,drive,calendar,docs", "--email", "a@x.org"])
        .agree()
        .expect(0);
    assert!(
        finished
            .stderr
            .contains("gmail, calendar, docs will not work"),
        "{}",
        finished.stderr
    );
    let kept = &logins(home.path())["google#a@x.org"];
    assert_eq!(
        kept["scopes"],
        json!([
            "openid",
            format!("{SCOPES}drive"),
            format!("{SCOPES}gmail.modify")
        ])
    );
}

#[apply(test)]
fn u24_an_old_refresh_token_is_kept_for_its_own_account_only() {
    let (google, home) = (Google::start(), home());
    let origin = google.fake.origin();
    let login = || {
        let login = google
            .login(home.path(), &google.desktop_file())
            .args(["--issuer", &origin, "--tools", "drive"]);
        login.arg("--force").agree().expect(0)
    };
    login();
    google.behave(|manners| manners.refreshable = false);
    let finished = login();
    assert!(
        finished.stderr.contains("the previous one is stored again"),
        "{}",
        finished.stderr
    );
    let kept = logins(home.path())["google"].clone();
    assert_eq!(
        (&kept["refresh_token"], &kept["access_token"]),
        (&json!("refresh-1"), &json!("access-2"))
    );
    google.behave(|manners| manners.account = "bob@example.com");
    login();
    let kept = logins(home.path())["google"].clone();
    assert_eq!(
        (&kept["refresh_token"], &kept["account"]),
        (&Value::Null, &json!("bob@example.com"))
    );
}

#[apply(test)]
fn u19_a_refresh_that_google_refuses_is_explained() {
    let (google, home) = (Google::start(), home());
    google
        .login(home.path(), &google.desktop_file())
        .args(["--tools", "drive", "--email", "a@x.org"])
        .agree()
        .expect(0);
    google.behave(|manners| manners.refuses = true);
    for args in [
        &["token", "--refresh", "google"][..],
        &["token", "--refresh", "google"],
    ] {
        let finished = command(home.path(), args).expect(3);
        assert!(
            finished.stderr.contains("seven days") && finished.stderr.contains("Testing"),
            "{}",
            finished.stderr
        );
        assert!(
            finished
                .stderr
                .contains("mcp-login --profile a@x.org --provider google"),
            "{}",
            finished.stderr
        );
    }
}

#[apply(test)]
fn a_login_is_repeated_with_what_is_known_of_it() {
    let (google, home) = (Google::start(), home());
    let origin = google.fake.origin();
    let login = google
        .login(home.path(), &google.desktop_file())
        .args(["--issuer", &origin, "--tools", "drive"]);
    login.args(["--email", "Ann@example.com"]).agree().expect(0);
    let again = |issuer: &str| {
        let again = Program::new().args([
            "--json",
            "--store",
            "file",
            "--no-browser",
            "--provider",
            "google",
            "--force",
        ]);
        again
            .args(["--email", "Ann@example.com", "--issuer", issuer])
            .at_home(home.path())
    };
    again(&origin).agree().expect(0);
    let kept = &logins(home.path())["google#Ann@example.com"];
    assert_eq!(
        (&kept["access_token"], &kept["client_secret"]),
        (&json!("access-2"), &json!(SECRET))
    );
    assert!(
        kept["scopes_requested"].to_string().contains("auth/drive"),
        "{kept}"
    );
    let other = Fake::start();
    let refused = again(&other.origin())
        .run()
        .expect_error(2, "client_id_needed");
    assert!(
        refused.stderr.contains("console.cloud.google.com"),
        "{}",
        refused.stderr
    );
    assert!(
        other.seen().is_empty(),
        "the client is shown to nobody else"
    );
}

#[apply(test)]
fn a_web_client_is_repeated_at_its_own_redirect_uri() {
    let (google, home) = (Google::start(), home());
    let free = crate::support::closed_address().port();
    let redirect_uri = format!("http://localhost:{free}/oauth2callback");
    let origin = google.fake.origin();
    let login = google
        .login(home.path(), &google.web_file(&redirect_uri))
        .args(["--issuer", &origin]);
    login.args(["--tools", "drive"]).agree().expect(0);
    let again = Program::new().args([
        "--json",
        "--store",
        "file",
        "--no-browser",
        "--provider",
        "google",
        "--force",
    ]);
    let finished = again
        .args(["--issuer", &origin])
        .at_home(home.path())
        .agree()
        .expect(0);
    assert_eq!(
        finished.event("authorization_url")["redirect_uri"],
        redirect_uri
    );
}

#[apply(test)]
fn u24_the_files_of_workspace_mcp_keep_what_they_have() {
    let (google, home) = (Google::start(), home());
    let directory = home.path().join(".google_workspace_mcp/credentials");
    let login = || {
        google.login(home.path(), &google.desktop_file()).args([
            "--tools",
            "drive",
            "--email",
            "a+b@x.org",
        ])
    };
    login()
        .args(["--handover", "workspace-mcp"])
        .agree()
        .expect(0);
    let file = directory.join("a%2Bb@x.org.json");
    let read = || -> Value {
        serde_json::from_str(&fs::read_to_string(&file).expect("a file")).expect("JSON")
    };
    assert_eq!(
        fs::metadata(&directory)
            .expect("a directory")
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
    let mut text = read();
    text["later"] = json!({"x": 1});
    fs::write(&file, text.to_string()).expect("a file");
    google.behave(|manners| manners.refreshable = false);
    command(home.path(), &["logout", "google"]).expect(0);
    login()
        .args(["--handover", "workspace-mcp"])
        .agree()
        .expect(0);
    let kept = read();
    assert_eq!(
        (&kept["token"], &kept["refresh_token"]),
        (&json!("access-2"), &json!("refresh-1"))
    );
    assert_eq!(kept["later"], json!({"x": 1}));
    let refused = command(home.path(), &["handover", "google", "--to", "google-adc"]);
    assert!(
        refused.code != Some(0) && !home.path().join(".config").exists(),
        "{}",
        refused.stderr
    );
}

#[apply(test)]
fn u2_u5_a_web_client_whose_port_is_taken_continues_by_paste() {
    let (google, home) = (Google::start(), home());
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let redirect_uri = format!(
        "http://localhost:{}/oauth2callback",
        held.local_addr().expect("an address").port()
    );
    let login = google.login(home.path(), &google.web_file(&redirect_uri));
    let mut running = login
        .args(["--tools", "drive", "--email", "a@x.org", "--paste"])
        .with_stdin()
        .start();
    let url = running.authorization_url();
    assert_eq!(parameter(&url, "redirect_uri"), Some(redirect_uri.clone()));
    running.said("holds it");
    let answer = running.redirect(&url);
    assert!(answer.starts_with(&redirect_uri), "{answer}");
    running.type_in(&format!("{answer}\n"));
    running.finish().expect(0);
    let exchanged = google.fake.seen_at("/token").pop().expect("an exchange");
    assert_eq!(exchanged.parameter("redirect_uri"), Some(redirect_uri));
}

#[apply(test)]
fn a_provider_with_an_mcp_server() {
    let fake = Fake::start();
    let login = Program::login(&fake)
        .args(["--provider", "google", "--client-id", "c"])
        .env("MCP_LOGIN_CLIENT_SECRET", "s");
    let mut running = login.start();
    let url = running.authorization_url();
    running.agree_at(&url);
    let finished = running.finish().expect(0);
    assert_eq!(parameter(&url, "access_type").as_deref(), Some("offline"));
    assert_eq!(
        parameter(&url, "scope").as_deref(),
        Some("read"),
        "what the server's challenge names"
    );
    assert_eq!(parameter(&url, "resource"), None);
    assert_eq!(finished.kept(&fake.mcp())["provider"], "google");
    let own = Program::login(&fake).args([
        "--provider",
        "google",
        "--client-id",
        "c",
        "--param",
        "prompt=none",
    ]);
    let mut running = own.args(["--resource", &fake.mcp()]).start();
    let url = running.authorization_url();
    assert_eq!(
        parameter(&url, "prompt").as_deref(),
        Some("none"),
        "what the user says wins"
    );
    assert_eq!(parameter(&url, "resource"), Some(fake.mcp()));
}

#[apply(test)]
fn github_answers_in_a_form_with_commas() {
    let fake = Fake::with(|seen, _| {
        let form = "access_token=gho_x&scope=repo%2Cgist&token_type=bearer";
        (seen.path == "/token").then(|| Reply::text(200, "application/x-www-form-urlencoded", form))
    });
    let home = home();
    let file = home.path().join("client.json");
    let (auth_uri, token_uri) = (
        format!("{}/authorize", fake.origin()),
        format!("{}/token", fake.origin()),
    );
    let client = json!({"client_id": "c", "client_secret": "s", "auth_uri": auth_uri, "token_uri": token_uri});
    fs::write(&file, client.to_string()).expect("a file");
    let login = Program::new().args([
        "--json",
        "--store",
        "file",
        "--no-browser",
        "--provider",
        "github",
    ]);
    let login = login.at_home(home.path()).arg("--client-file").arg(&file);
    let mut running = login
        .args(["--scope", "repo gist", "--login-hint", "ann"])
        .start();
    let url = running.authorization_url();
    assert_eq!(
        (
            parameter(&url, "login").as_deref(),
            parameter(&url, "login_hint")
        ),
        (Some("ann"), None)
    );
    running.agree_at(&url);
    running.finish().expect(0);
    assert_eq!(
        logins(home.path())["github#ann"]["scopes"],
        json!(["repo", "gist"])
    );
}

#[apply(test)]
fn entra_refuses_a_resource_and_is_explained() {
    let fake = Fake::with(|seen, _| {
        let refused = seen.path == "/authorize" && seen.parameter("resource").is_some();
        refused.then(|| {
            let (to, state) = (seen.parameter("redirect_uri"), seen.parameter("state"));
            let words =
                "AADSTS9010010%3A+The+resource+parameter+does+not+match+with+the+requested+scopes";
            let query = format!(
                "error=invalid_target&error_description={words}&state={}",
                state.expect("a state")
            );
            Reply::redirect(302, &format!("{}?{query}", to.expect("a redirect URI")))
        })
    });
    let refused = Program::login(&fake).agree().expect(3);
    assert!(
        refused
            .stderr
            .contains("--provider entra, or --no-resource"),
        "{}",
        refused.stderr
    );
    let finished = Program::login(&fake)
        .args(["--provider", "entra"])
        .agree()
        .expect(0);
    assert_eq!(finished.kept(&fake.mcp())["provider"], "entra");
}

#[apply(test)]
fn u20_requirements_of_a_provider_are_explained() {
    for (args, what) in [
        (&["--provider", "google"][..], "console.cloud.google.com"),
        (
            &["--provider", "github", "name"],
            "github.com/settings/developers",
        ),
        (&["--provider", "entra", "--client-id", "c"], "--tenant"),
        (
            &["--provider", "entra", "--client-id", "c", "--tenant", "a/b"],
            "--tenant",
        ),
        (&["--provider", "okta", "--client-id", "c"], "--issuer"),
        (
            &["--provider", "slack", "--client-id", "c"],
            "--redirect-uri",
        ),
        (&["--provider", "nobody", "--client-id", "c"], "google"),
        (
            &[
                "--provider",
                "github",
                "--client-id",
                "c",
                "--tools",
                "gmail",
            ],
            "--provider google",
        ),
        (
            &[
                "--provider",
                "google",
                "--client-id",
                "c",
                "--tools",
                "gmail,maps",
            ],
            "maps",
        ),
        (
            &["--provider", "google", "--client-id", "c", "--read-only"],
            "--tools",
        ),
        (
            &["--tools", "gmail", "https://mcp.example"],
            "--provider google",
        ),
        (&["name"], "--issuer"),
    ] {
        let finished = Program::new().args(args).run().expect(2);
        assert!(
            finished.stderr.contains(what),
            "{args:?}: {}",
            finished.stderr
        );
    }
}

#[apply(test)]
fn the_doctor_knows_providers() {
    let (google, home) = (Google::start(), home());
    let doctor = || {
        let doctor = Program::new().args([
            "doctor",
            "--json",
            "--store",
            "file",
            "--no-browser",
            "--provider",
            "google",
        ]);
        doctor.at_home(home.path())
    };
    let file = google.desktop_file();
    let found = doctor()
        .arg("--client-file")
        .arg(&file)
        .args(["--tools", "drive"])
        .run()
        .expect(0)
        .stdout;
    assert!(
        found.contains("auth/drive") && found.contains(&google.fake.origin()),
        "{found}"
    );
    assert!(google.fake.seen().is_empty(), "nothing has to be asked");
    let found = doctor().run().expect(2).stdout;
    assert!(found.contains("console.cloud.google.com"), "{found}");
}

#[apply(test)]
fn providers_are_listed() {
    let table = Program::new().arg("providers").run().expect(0).stdout;
    let json = Program::new()
        .args(["providers", "--json"])
        .run()
        .expect(0)
        .stdout;
    let listed: Value = serde_json::from_str(&json).expect("JSON");
    let names: Vec<_> = listed["providers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(
        names,
        [
            "google",
            "github",
            "entra",
            "slack",
            "okta",
            "auth0",
            "gitlab",
            "atlassian"
        ]
    );
    for name in names {
        assert!(
            table
                .lines()
                .any(|line| line.starts_with(name.as_str().expect("a name"))),
            "{table}"
        );
    }
    assert_eq!(listed["providers"][0]["rotates"], false);
}
