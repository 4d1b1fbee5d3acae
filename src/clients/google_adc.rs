//! Application Default Credentials: the file that Google's own libraries and tools look for.

use std::path::PathBuf;

use serde_json::json;

use super::{google, json as file};
use super::{Delivery, Handover, HandoverError, Mode, Places, Target};
use crate::os::places::System;
use crate::providers::{self, google::GOOGLE};

/// The format that google-auth documents.
pub const TARGET: Target = Target {
    name: "google-adc",
    about: "writes Application Default Credentials, for Google's libraries and tools",
    modes: &[Mode::Copy],
    deliver,
    note: "Google's libraries read the file when a program starts",
    ..Target::NEW
};

/// The kind of credentials in the file.
const KIND: &str = "authorized_user";

/// The options of a login that serves.
const OPTIONS: &str = "--scope SCOPE";

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let login = handover.login;
    google::check(login, OPTIONS)?;
    // Google's libraries refresh at Google, wherever the login came from.
    if providers::of_url(&login.token_endpoint).is_none_or(|it| it.name != GOOGLE.name) {
        return Err(google::other_login(login, OPTIONS));
    }
    let Some(secret) = &login.client_secret else {
        return Err(HandoverError::unsuitable(
            "the client of this login has no secret, which Google's libraries require",
            "log in with the --client-file of a desktop app",
        ));
    };
    let refresh_token = login.refresh_token.as_ref();
    let refresh_token = refresh_token.ok_or_else(google::without_refresh_token)?;
    let members = [
        ("type", json!(KIND)),
        ("client_id", json!(login.client_id)),
        ("client_secret", json!(secret.expose())),
        ("refresh_token", json!(refresh_token.expose())),
    ];
    let account = json!(login.account.as_deref().unwrap_or_default());
    let change = file::change(path(places), move |path, root| {
        let kind = root.get("type").and_then(|it| it.to_serde_value());
        if kind.is_some_and(|kind| kind != KIND) {
            let path = path.display();
            return Err(HandoverError::unsuitable(
                format!("{path} holds credentials of another kind, which would be lost"),
                "move it away, or name another file with GOOGLE_APPLICATION_CREDENTIALS",
            ));
        }
        for (name, value) in &members {
            file::set(root, name, value);
        }
        // gcloud adds the account, which libraries ignore.
        if root.get("account").is_some() {
            file::set(root, "account", &account);
        }
        Ok(())
    });
    Ok(Delivery::Files(vec![change]))
}

/// Returns the file that Google's libraries read.
///
/// Spec: google-auth 2, `google/auth/_cloud_sdk.py`.
fn path(places: &Places) -> PathBuf {
    let named = places.path("GOOGLE_APPLICATION_CREDENTIALS");
    named.unwrap_or_else(|| {
        let directory = places.path("CLOUDSDK_CONFIG");
        let directory = directory.unwrap_or_else(|| match places.system {
            System::Windows => windows_directory(places),
            System::Xdg | System::MacOs => places.home.join(".config/gcloud"),
        });
        directory.join("application_default_credentials.json")
    })
}

fn windows_directory(places: &Places) -> PathBuf {
    let roaming = places.path("APPDATA").unwrap_or_else(|| {
        let drive = places.variable("SYSTEMDRIVE").unwrap_or("C:");
        format!(r"{drive}\").into()
    });
    roaming.join("gcloud")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::super::workspace_mcp::tests::{change, login, places};
    use super::*;
    use crate::store::Credentials;

    fn new_value(login: &Credentials, old: Option<&str>) -> Result<Value, HandoverError> {
        let change = change(&TARGET, login, &places(&[]))?;
        change
            .apply(old)
            .map(|text| serde_json::from_str(&text).expect("JSON"))
    }

    #[test]
    fn cw9_the_file() {
        let expected = json!({
            "type": "authorized_user", "client_id": "c.apps.googleusercontent.com", "client_secret": "GOCSPX-x",
            "refresh_token": "1//x",
        });
        assert_eq!(new_value(&login(), None).expect("a file"), expected);
        let old = r#"{"account": "bob@example.com", "quota_project_id": "p", "universe_domain": "googleapis.com",
            "type": "authorized_user", "refresh_token": "old"}"#;
        let new = new_value(&login(), Some(old)).expect("a file");
        assert_eq!(
            (&new["quota_project_id"], &new["refresh_token"]),
            (&json!("p"), &json!("1//x"))
        );
        assert_eq!(new["account"], "Ann+b@example.com");
    }

    #[test]
    fn which_file() {
        let config = ("CLOUDSDK_CONFIG", "/c");
        for (variables, path) in [
            (
                &[][..],
                "/home/ann/.config/gcloud/application_default_credentials.json",
            ),
            (&[config], "/c/application_default_credentials.json"),
            (
                &[config, ("GOOGLE_APPLICATION_CREDENTIALS", "~/x.json")],
                "/home/ann/x.json",
            ),
        ] {
            let change = change(&TARGET, &login(), &places(variables)).expect("a change");
            assert_eq!(
                (change.path.as_path(), change.secret),
                (Path::new(path), true)
            );
        }
    }

    #[test]
    fn win7_which_file_on_windows() {
        let file = "gcloud/application_default_credentials.json";
        for (variables, path) in [
            (&[("APPDATA", "/profile")][..], format!("/profile/{file}")),
            (&[("SYSTEMDRIVE", "/d:")], format!(r"/d:\/{file}")),
            (
                &[("CLOUDSDK_CONFIG", "/c"), ("APPDATA", "/profile")],
                "/c/application_default_credentials.json".to_owned(),
            ),
        ] {
            let places = Places {
                system: System::Windows,
                ..places(variables)
            };
            assert_eq!(super::path(&places), Path::new(&path));
        }
    }

    #[test]
    fn what_cannot_be_given() {
        for login in [
            Credentials {
                client_secret: None,
                ..login()
            },
            Credentials {
                refresh_token: None,
                ..login()
            },
            Credentials {
                provider: None,
                ..login()
            },
            Credentials {
                token_endpoint: "http://127.0.0.1:1/token".to_owned(),
                ..login()
            },
        ] {
            assert!(matches!(
                new_value(&login, None),
                Err(HandoverError::Unsuitable { .. })
            ));
        }
        let service_account = r#"{"type": "service_account", "private_key": "x"}"#;
        assert!(matches!(
            new_value(&login(), Some(service_account)),
            Err(HandoverError::Unsuitable { .. })
        ));
        assert!(matches!(
            new_value(&login(), Some("{")),
            Err(HandoverError::UnknownFormat { .. })
        ));
    }
}
