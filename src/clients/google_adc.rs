//! Application Default Credentials: the file that Google's own libraries and tools look for.

use serde_json::{json, Map, Value};

use super::workspace_mcp::without_refresh_token;
use super::{json as file, Change, Client, Delivery, Edit, Handover, HandoverError, Mode, Places};
use crate::providers::{self, google::GOOGLE};

/// The format that google-auth documents.
pub const CLIENT: Client = Client {
    name: "google-adc",
    about: "writes Application Default Credentials, for Google's libraries and tools",
    source: None,
    asks_us: false,
    modes: &[Mode::Copy],
    deliver,
    note: "Google's libraries read the file when a program starts",
};

/// What the file says of its own kind.
const KIND: &str = "authorized_user";

fn deliver(grant: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let kept = grant.kept;
    let is_google = providers::of_url(&kept.token_endpoint)
        .is_some_and(|provider| provider.name == GOOGLE.name);
    if kept.provider.as_deref() != Some(GOOGLE.name) || !is_google {
        return Err(HandoverError::Unsuitable {
            message: format!("the login to {} is none at Google", kept.server),
            hint: "log in with `mcp-login --provider google --client-file FILE --scope SCOPE`"
                .to_owned(),
        });
    }
    let secret = kept
        .client_secret
        .as_ref()
        .ok_or_else(|| HandoverError::Unsuitable {
            message: "the client of this login has no secret, and Google's libraries want one"
                .to_owned(),
            hint: "log in with the --client-file of a desktop app".to_owned(),
        })?;
    let refresh_token = kept
        .refresh_token
        .as_ref()
        .ok_or_else(without_refresh_token)?;
    let mut members = Map::new();
    members.insert("type".to_owned(), KIND.into());
    members.insert("client_id".to_owned(), json!(kept.client_id));
    members.insert("client_secret".to_owned(), json!(secret.expose()));
    members.insert("refresh_token".to_owned(), json!(refresh_token.expose()));
    let gcloud = || {
        places
            .path("CLOUDSDK_CONFIG")
            .unwrap_or_else(|| places.home.join(".config/gcloud"))
    };
    let path = places.path("GOOGLE_APPLICATION_CREDENTIALS");
    let path = path.unwrap_or_else(|| gcloud().join("application_default_credentials.json"));
    let (edited, account) = (path.clone(), kept.account.clone().unwrap_or_default());
    let edit: Edit = Box::new(move |old| {
        let before: Map<String, Value> = old
            .and_then(|old| serde_json::from_str(old).ok())
            .unwrap_or_default();
        if before.get("type").is_some_and(|kind| kind != KIND) {
            return Err(HandoverError::Unsuitable {
                message: format!(
                    "{} holds credentials of another kind, which would be lost",
                    edited.display()
                ),
                hint: "move it away, or name another file with GOOGLE_APPLICATION_CREDENTIALS"
                    .to_owned(),
            });
        }
        file::edit(&edited, old, |root| {
            members
                .iter()
                .for_each(|(name, value)| file::set(root, name, value));
            // gcloud notes whose they are; libraries pass over it.
            if before.contains_key("account") {
                file::set(root, "account", &json!(account));
            }
            Ok(())
        })
    });
    Ok(Delivery::Files(vec![Change {
        path,
        lock: None,
        secret: true,
        edit,
    }]))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::workspace_mcp::tests::{change, login, places};
    use super::*;
    use crate::store::Credentials;

    fn new_value(kept: &Credentials, old: Option<&str>) -> Result<Value, HandoverError> {
        let change = change(&CLIENT, kept, &places(&[]))?;
        (change.edit)(old).map(|text| serde_json::from_str(&text).expect("JSON"))
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
            let change = change(&CLIENT, &login(), &places(variables)).expect("a change");
            assert_eq!(
                (change.path.as_path(), change.secret),
                (Path::new(path), true)
            );
        }
    }

    #[test]
    fn what_cannot_be_given() {
        for kept in [
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
                new_value(&kept, None),
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
