//! A fake of an authorization server with a device authorization endpoint.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use serde_json::{json, Value};
use sha2::{Digest as _, Sha256};

use super::fake::{Fake, Gate, Reply, Seen};

/// The grant type of device codes.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The device code, which is a secret.
pub const DEVICE_CODE: &str = "device-code-that-nobody-else-may-see";

/// The code for the user.
pub const USER_CODE: &str = "WDJB-MJHT";

/// The answer to one poll.
#[derive(Clone, Debug)]
pub enum Poll {
    /// This error, with status 400.
    Error(&'static str),
    /// This reply.
    Reply(Reply),
    /// Tokens, if the request is right.
    Tokens,
    /// Tokens once the person has approved, when the gate is opened; until then it is pending. To be the last one.
    TokensAfter(Gate),
}

/// How the server answers.
#[derive(Clone, Debug)]
pub struct DeviceServer {
    metadata: Value,
    response: Value,
    device_replies: Vec<Reply>,
    polls: Vec<Poll>,
    is_late: bool,
    refuses: fn(&str) -> bool,
    gives_secrets: bool,
}

/// The servers, and when they were polled.
pub struct DeviceFake {
    pub fake: Fake,
    polled: Arc<Mutex<Vec<Instant>>>,
}

impl DeviceFake {
    /// Returns the polls so far.
    pub fn polls(&self) -> Vec<Seen> {
        let mut seen = self.fake.seen_at("/token");
        seen.retain(|seen| seen.parameter("grant_type").as_deref() == Some(GRANT));
        seen
    }

    /// Returns when the polls so far arrived.
    pub fn polled_at(&self) -> Vec<Instant> {
        self.polled.lock().expect("the times").clone()
    }

    /// Returns the pauses between the polls so far, in seconds.
    pub fn pauses(&self) -> Vec<f64> {
        let polled = self.polled_at();
        let pairs = polled.windows(2);
        pairs
            .map(|pair| pair[1].duration_since(pair[0]).as_secs_f64())
            .collect()
    }
}

impl DeviceServer {
    /// Returns a server that answers these polls one after the other, the last one again and again. Its interval is a second,
    /// the shortest one that is kept.
    pub fn polled(polls: impl IntoIterator<Item = Poll>) -> Self {
        Self {
            metadata: json!({}),
            response: json!({}),
            device_replies: Vec::new(),
            polls: polls.into_iter().collect(),
            is_late: false,
            refuses: |_| false,
            gives_secrets: false,
        }
    }

    /// Replaces members of the metadata; `null` removes one.
    pub fn metadata(mut self, changes: Value) -> Self {
        self.metadata = changes;
        self
    }

    /// Replaces members of the device response; `null` removes one.
    pub fn response(mut self, changes: Value) -> Self {
        self.response = changes;
        self
    }

    /// Answers the first requests for a device code with these.
    pub fn first(mut self, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.device_replies = replies.into_iter().collect();
        self
    }

    /// Offers device codes only after a first login.
    pub fn after_a_login(mut self) -> Self {
        self.is_late = true;
        self
    }

    /// Gives each client a secret.
    pub fn giving_secrets(mut self, gives_secrets: bool) -> Self {
        self.gives_secrets = gives_secrets;
        self
    }

    /// Refuses these registrations.
    pub fn refusing_clients(mut self, refuses: fn(&str) -> bool) -> Self {
        self.refuses = refuses;
        self
    }

    pub fn start(self) -> DeviceFake {
        let polled: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let times = Arc::clone(&polled);
        let fake = Fake::with(move |seen, fake| match seen.path.as_str() {
            "/.well-known/oauth-authorization-server" => {
                let mut metadata = fake.server_metadata();
                if self.is_late && fake.seen_at("/token").is_empty() {
                    return Some(Reply::json(200, &metadata));
                }
                metadata["device_authorization_endpoint"] =
                    format!("{}/device_authorization", fake.origin()).into();
                Some(Reply::json(200, &changed(metadata, &self.metadata)))
            }
            "/device_authorization" => {
                let number = fake.seen_at("/device_authorization").len();
                if let Some(reply) = self.device_replies.get(number - 1) {
                    return Some(reply.clone());
                }
                let page = format!("{}/device", fake.origin());
                let response = json!({
                    "device_code": DEVICE_CODE,
                    "user_code": USER_CODE,
                    "verification_uri": page,
                    "verification_uri_complete": format!("{page}?user_code={USER_CODE}"),
                    "expires_in": 600,
                    "interval": 1,
                });
                Some(Reply::json(200, &changed(response, &self.response)))
            }
            "/register" if (self.refuses)(&seen.body) => {
                let refused = json!({"error": "invalid_client_metadata"});
                Some(Reply::json(400, &refused))
            }
            "/register" if self.gives_secrets => {
                let id = format!("client-{}", fake.seen_at("/register").len());
                let client = json!({"client_id": id, "client_secret": "s3cret"});
                Some(Reply::json(201, &client))
            }
            "/token" if seen.parameter("grant_type").as_deref() == Some(GRANT) => {
                let number = {
                    let mut times = times.lock().expect("the times");
                    times.push(Instant::now());
                    times.len()
                };
                let last = self.polls.len() - 1;
                Some(match &self.polls[(number - 1).min(last)] {
                    Poll::Error(error) => Reply::json(400, &json!({"error": error})),
                    Poll::Reply(reply) => reply.clone(),
                    Poll::TokensAfter(approval) if !approval.is_open() => {
                        Reply::json(400, &json!({"error": "authorization_pending"}))
                    }
                    Poll::Tokens | Poll::TokensAfter(_) => tokens(seen, fake),
                })
            }
            _ => None,
        });
        DeviceFake { fake, polled }
    }
}

/// Gives tokens to who asked for the device code.
fn tokens(seen: &Seen, fake: &Fake) -> Reply {
    let asked = fake.seen_at("/device_authorization");
    let asked = asked.last().expect("a request for a device code");
    let same = |name: &str| seen.parameter(name) == asked.parameter(name);
    let verifier = seen.parameter("code_verifier");
    let challenge = verifier.map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
    let is_right = same("client_id")
        && same("resource")
        && seen.parameter("device_code").as_deref() == Some(DEVICE_CODE)
        && challenge == asked.parameter("code_challenge");
    match is_right {
        true => Reply::json(200, &fake.tokens(1, asked.parameter("scope"))),
        false => Reply::json(
            400,
            &json!({"error": "invalid_grant", "error_description": "another request"}),
        ),
    }
}

fn changed(mut document: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().into_iter().flatten() {
        match value {
            Value::Null => {
                document.as_object_mut().expect("an object").remove(name);
            }
            value => document[name] = value.clone(),
        }
    }
    document
}
