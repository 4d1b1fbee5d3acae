//! Logins at oidc-provider with a key: of the client (`private_key_jwt`), and of the login (DPoP).

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{json, Value};

use super::bed::{self, Bed, Part};
use super::running::Server;
use super::servers::ask;
use super::user_agent::{login_by_paste, UserAgent};
use crate::support::jwt;

/// Starts oidc-provider with these settings of its environment.
fn server(bed: &Bed, settings: &[(&str, &str)]) -> Server {
    let mut command: Command = bed.command(bed::node());
    command.arg(bed::script("oidc-provider.mjs"));
    Server::start(command.envs(settings.iter().copied()))
}

/// Starts oidc-provider, which knows the client `mine` by the public half of a key of the tests.
fn server_with_client(bed: &Bed, jwk: &str) -> Server {
    let mut key: Value = serde_json::from_str(jwt::key(jwk)).expect("a JWK");
    let members = key.as_object_mut().expect("members");
    members.retain(|name, _| ["kty", "crv", "x", "y", "n", "e", "kid"].contains(&name.as_str()));
    let client = json!([{
        "client_id": "mine",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key]},
        "redirect_uris": ["http://127.0.0.1/callback"],
        "application_type": "native",
    }]);
    server(bed, &[("OIDC_CLIENTS", &client.to_string())])
}

/// A login, a refresh and a logout, each proved by an assertion; oidc-provider takes no assertion twice. Each key has a
/// server of its own.
#[apply(long_test)]
fn oidc_provider_accepts_assertions_of_each_kind_of_key() {
    for (pem, jwk) in [
        ("p256.sec1", "p256.jwk"),
        ("ed25519.pkcs8", "ed25519.jwk"),
        ("rsa.pkcs1", "rsa.jwk"),
    ] {
        let bed = Bed::with(&[Part::Npm]);
        let server = server_with_client(&bed, jwk);
        let path = bed.path("client.key");
        fs::write(&path, jwt::key(pem)).expect("writing");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
        let path = path.display().to_string();
        let words = ["--client-id", "mine", "--client-key-file", &path];
        let agree = |url: &str| UserAgent::default().agree(url);
        login_by_paste(&bed, &server, &words, agree).exits(0);
        ask(&bed, &server, &["token", "--refresh"]).exits(0);
        ask(&bed, &server, &["check"]).exits(0);
        ask(&bed, &server, &["logout"]).exits(0);
        server.wait_for_event("refresh_token.destroyed");
        assert!(!server.log().contains("error"), "{pem}: {}", server.log());
    }
}

/// A login, its refresh and its use, with and without a nonce in each proof, each with a server of its own.
#[apply(long_test)]
fn oidc_provider_binds_tokens_to_the_key_of_the_login() {
    for setting in ["on", "nonce"] {
        let bed = Bed::with(&[Part::Npm]);
        let server = server(&bed, &[("OIDC_DPOP", setting)]);
        let agree = |url: &str| UserAgent::default().agree(url);
        login_by_paste(&bed, &server, &["--dpop"], agree).exits(0);
        ask(&bed, &server, &["check"]).exits(0);
        ask(&bed, &server, &["refresh"]).exits(0);
        ask(&bed, &server, &["check"]).exits(0);
        let token = ask(&bed, &server, &["token"]).exits(0);
        assert!(token.stdout.contains("\"DPoP\""), "{}", token.stdout);
        ask(&bed, &server, &["logout"]).exits(0);
        server.wait_for_event("refresh_token.destroyed");
        assert!(!server.log().contains("proof.error"), "{}", server.log());
    }
}
