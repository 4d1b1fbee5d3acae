//! No answer of any server can make a record that this program refuses to read, or harm another login.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::journal::Journal;
use crate::failure::{Code, Failure as _};
use crate::oauth::client::Client;
use crate::oauth::endpoint::UrlPolicy;
use crate::oauth::metadata::AuthorizationServer;
use crate::oauth::secret::Secret;
use crate::oauth::token::Tokens;
use crate::os::clock::{Deadline, Time};
use crate::store::cache::Cache;
use crate::store::file::FileBackend;
use crate::store::tests::{file_store, hint, rescue, sample, SERVER};
use crate::store::{Backend as _, Credentials, Interaction, Store, StoreError};

/// Names of members that an answer is made of, and one of a member that nobody knows.
const NAMES: [&str; 18] = [
    "access_token",
    "refresh_token",
    "id_token",
    "token_type",
    "expires_in",
    "scope",
    "client_id",
    "client_secret",
    "client_secret_expires_at",
    "client_id_issued_at",
    "token_endpoint_auth_method",
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "error",
    "__unknown",
];

/// Values that have no business in an answer, as JSON text.
fn hostile_value() -> impl Strategy<Value = String> {
    let odd = [
        "null",
        "true",
        "0",
        "-1",
        "-0.0",
        "1e400",
        "-1e400",
        "1e-400",
        "0.1234567890123456789",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "99999999999999999999999999",
        "1893553445000",
        "253402300799",
        "253402300800",
        "\"1893553445000\"",
        "\"\\u0000\\u001b[2J\\u009b\\u202e\"",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"a\\nb\\r\\n\\u2028\"",
        "\"+58000-01-01T00:00:00Z\"",
        "\"https://as.example/token\"",
        "\"bearer\"",
        "\"\"",
        "{}",
        "[]",
        "[\"a\",1e400,null]",
    ];
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    prop_oneof![
        8 => select(odd.to_vec()).prop_map(str::to_owned),
        2 => any::<f64>().prop_map(|number| Value::from(number).to_string()),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        3 => any::<String>().prop_map(|text| Value::from(text).to_string()),
        1 => (1_usize..300).prop_map(deep),
        1 => (1_usize..200_000).prop_map(long),
    ]
}

/// An answer: good members first or last, hostile ones beside them, some of them twice.
fn answer(good: &'static str) -> impl Strategy<Value = String> {
    let member = (select(NAMES.to_vec()), hostile_value())
        .prop_map(|(name, value)| format!("{name:?}:{value}"));
    (vec(member, 0..6), any::<bool>()).prop_map(move |(mut members, first)| {
        members.insert(if first { 0 } else { members.len() }, good.to_owned());
        format!("{{{}}}", members.join(","))
    })
}

/// Puts together what would be stored after these answers; `None` if a login would have ended before.
fn credentials(
    server: &str,
    registration: &str,
    tokens_body: &str,
    metadata: &str,
) -> Option<Credentials> {
    let mut login = sample(server, 0);
    if let Some(client) = Client::registered(registration.as_bytes(), None) {
        login.client_id = client.id;
        login.client_secret = client.secret;
        login.client_secret_expires_at = client.secret_expires_at.map(Time::at);
    }
    if let Ok(server) =
        AuthorizationServer::read(metadata.as_bytes(), Some("https://as.example"), |url| {
            UrlPolicy { loopback: false }.check(url)
        })
    {
        login.issuer = server.issuer;
        login.token_endpoint = server.token_endpoint.into();
        login.revocation_endpoint = server.revocation_endpoint.map(String::from);
    }
    let tokens = Tokens::read(tokens_body.as_bytes(), None).ok()?;
    login.access_token = tokens.access_token;
    login.refresh_token = tokens.refresh_token;
    login.expires_at = tokens
        .expires_in
        .map(|seconds| login.obtained_at.plus(seconds));
    login.scopes = tokens.scopes.unwrap_or_default();
    login.account = tokens.id_token.map(|token| token.expose().to_owned());
    Some(login)
}

fn is_readable(store: &Store, logins: &[&Credentials]) -> Result<(), TestCaseError> {
    let (listed, faults) = store.examine().expect("a list");
    prop_assert!(faults.is_empty(), "{faults:?}");
    prop_assert_eq!(listed.len(), logins.len());
    for login in logins {
        let found = store.load(&login.key()).expect("a readable login");
        prop_assert_eq!(found.as_ref(), Some(*login));
        prop_assert!(listed
            .iter()
            .any(|entry| entry.key() == login.key() && !entry.needs_login));
    }
    Ok(())
}

proptest! {
    // Wine takes as long for each file as Linux for forty.
    #![proptest_config(ProptestConfig { cases: if cfg!(windows) { 4 } else { 40 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn e9_no_answer_makes_a_login_unreadable(
        registration in answer("\"client_id\":\"mine\""),
        tokens_body in answer("\"access_token\":\"access\""),
        metadata in answer("\"issuer\":\"https://as.example\",\"authorization_endpoint\":\"https://as.example/a\",\
            \"token_endpoint\":\"https://as.example/token\",\"code_challenge_methods_supported\":[\"S256\"]"),
        is_named in any::<bool>(),
    ) {
        let home = tempfile::tempdir().unwrap();
        let choice = match is_named {
            true => FileBackend::choice(&home.path().join("named.json")),
            false => "file".parse().unwrap(),
        };
        let store = Store::open_to_read(&choice, home.path(), Interaction::Allowed);
        let mut good = sample("https://good.example/mcp", 0);
        let mut work = Credentials { profile: "work".to_owned(), ..sample("https://good.example/mcp", 0) };
        store.save(&mut good).unwrap();
        store.save(&mut work).unwrap();

        let built = credentials(SERVER, &registration, &tokens_body, &metadata);
        if let Some(mut hostile) = built {
            store.save(&mut hostile).unwrap();
            is_readable(&store, &[&good, &hostile, &work])?;
            // It is refreshed, noted in the journal, and goes to an emergency file.
            store.save(&mut hostile).unwrap();
            is_readable(&store, &[&good, &hostile, &work])?;
            let journal = Journal::of(&store, &hostile.key(), &store.find(&hostile.key()));
            let spent = hostile.refresh_token.clone().unwrap_or(Secret::new("none"));
            drop(journal.lock(Deadline::after(Duration::ZERO)).unwrap());
            journal.begin(&hostile, &spent).unwrap();
            prop_assert!(journal.interrupted(&spent).is_some());
            let file = rescue(&[home.path().join("rescued")], &hostile).unwrap();
            prop_assert_eq!(file_store(&file).read(&hostile.key()).unwrap(), Some(hostile.clone()));
            prop_assert!(store.delete(&hostile.key()).unwrap());
        }
        is_readable(&store, &[&good, &work])?;

        let cache = Cache::new(home.path());
        cache.put("metadata", "key", &metadata);
        prop_assert_eq!(cache.get::<String>("metadata", "key"), Some(metadata.clone()));
        if let Ok(document) = serde_json::from_str::<Value>(&metadata) {
            cache.put("servers", "key", &document);
            // What does not survive is not written: the next login asks again.
            prop_assert!(cache.get::<Value>("servers", "key").is_none_or(|found| found == document));
        }
    }
}

/// Records as an earlier version of this program stored them, and one that nobody can read.
#[test]
fn e9_stores_with_corrupted_records_work_again() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open_to_read(&"file".parse().unwrap(), home.path(), Interaction::Allowed);
    let far = Time::at(1_893_553_445_000);
    let mut logins = [
        "https://a.example/mcp",
        "https://b.example/mcp",
        "https://c.example/mcp",
    ]
    .map(|server| Credentials {
        client_secret_expires_at: Some(far),
        expires_at: Some(far),
        ..sample(server, 0)
    });
    logins
        .iter_mut()
        .for_each(|login| drop(store.save(login).unwrap()));
    for name in ["credentials.json", "index.json"] {
        let path = home.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("9999-12-31T23:59:59Z"), "{text}");
        fs::write(
            &path,
            text.replace("9999-12-31T23:59:59Z", "+61974-03-12T17:23:20Z"),
        )
        .unwrap();
    }
    for login in &logins {
        assert_eq!(store.load(&login.key()).unwrap().as_ref(), Some(login));
    }
    assert_eq!(store.list().unwrap().len(), 3);

    let path = home.path().join("credentials.json");
    let broken = fs::read_to_string(&path).unwrap().replacen(
        "\"client_id\":\"client\"",
        "\"client_id\":7",
        1,
    );
    fs::write(&path, &broken).unwrap();
    let line = broken
        .lines()
        .find(|line| line.contains("\"client_id\":7"))
        .unwrap()
        .trim_end_matches(',')
        .to_owned();
    let [bad, good, other] = &mut logins;
    assert_eq!(
        store.load(&bad.key()).unwrap_err().code(),
        Code::StoreCorrupt
    );
    assert_eq!(store.load(&good.key()).unwrap().as_ref(), Some(&*good));
    let (listed, faults) = store.examine().unwrap();
    let needing: Vec<_> = listed
        .iter()
        .map(|entry| (entry.server.as_str(), entry.needs_login))
        .collect();
    assert_eq!(
        needing,
        [
            (bad.server.as_str(), true),
            (good.server.as_str(), false),
            (other.server.as_str(), false)
        ]
    );
    let [StoreError::Unreadable { key, .. }] = faults.as_slice() else {
        panic!("{faults:?}")
    };
    assert_eq!(*key, bad.key());
    assert!(
        hint(&faults[0]).contains("mcp-login --force https://a.example/mcp"),
        "{:?}",
        hint(&faults[0])
    );
    // The others are written and removed, and the one that cannot be read stays as it is.
    store.save(good).unwrap();
    assert!(store.delete(&other.key()).unwrap());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(&line), "{text}");
    assert!(!fs::read_dir(home.path()).unwrap().any(|entry| entry
        .unwrap()
        .path()
        .to_string_lossy()
        .contains("corrupt")));
    // A new login takes its place, and a logout removes it.
    store.save(bad).unwrap();
    assert_eq!(store.load(&bad.key()).unwrap().as_ref(), Some(&*bad));
    fs::write(&path, broken).unwrap();
    assert!(store.delete(&bad.key()).unwrap());
    assert!(store.load(&bad.key()).unwrap().is_none());
}
