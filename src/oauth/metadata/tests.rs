//! Metadata, legal and not: where it stands, and what it must say.

use super::*;

const PUBLIC: Reach = Reach { loopback: false };

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn texts(urls: &[Url]) -> Vec<&str> {
    urls.iter().map(Url::as_str).collect()
}

#[test]
fn m3_well_known_urls_of_a_resource() {
    let at_root = "https://example.com/.well-known/oauth-protected-resource";
    for (server, expected) in [
        ("https://example.com/public/mcp", vec![format!("{at_root}/public/mcp"), at_root.into()]),
        ("https://example.com/mcp/", vec![format!("{at_root}/mcp"), at_root.into()]),
        ("https://example.com/mcp?tenant=1", vec![format!("{at_root}/mcp?tenant=1"), at_root.into()]),
        ("https://example.com", vec![at_root.into()]),
        ("https://example.com/", vec![at_root.into()]),
    ] {
        assert_eq!(texts(&resource_metadata_urls(&url(server))), expected, "{server}");
    }
}

#[test]
fn m4a_which_resource_speaks_for_a_server() {
    for (resource, expected) in [
        ("https://example.com/a/mcp", true),
        ("https://example.com/a/mcp/", true),
        ("https://example.com/a", true),
        ("https://example.com/a/", true),
        ("https://example.com", true),
        ("https://example.com:443/a/mcp", true),
        ("https://EXAMPLE.com/a/mcp", true),
        ("https://example.com/a/mc", false),
        ("https://example.com/a/mcp/deeper", false),
        ("https://example.com/A/mcp", false),
        ("http://example.com/a/mcp", false),
        ("https://example.com:444/a/mcp", false),
        ("https://evil.example/a/mcp", false),
        ("https://example.com@evil.example/a/mcp", false),
        ("https://example.com/a/mcp?x=1", false),
        ("not a url", false),
    ] {
        assert_eq!(speaks_for(resource, &url("https://example.com/a/mcp")), expected, "{resource}");
    }
    assert!(!speaks_for("http://localhost:1/mcp", &url("http://127.0.0.1:1/mcp")));
}

#[test]
fn m4_m5_reading_resource_metadata() {
    let server = url("https://example.com/mcp");
    let read = |body: &str| ResourceMetadata::read(body.as_bytes(), &server);
    let good = r#"{"resource":"https://example.com/mcp","authorization_servers":["https://as.example"],"x":1}"#;
    let metadata = read(good).expect("good metadata");
    assert_eq!(metadata.resource, "https://example.com/mcp");
    assert_eq!(metadata.authorization_servers, ["https://as.example"]);
    assert!(metadata.scopes.is_empty());
    assert_eq!(read(&format!("\u{feff}{good}")), Ok(metadata));
    assert_eq!(read("{}"), Err(MetadataError::Missing("which resource it is for")));
    let other = read(r#"{"resource":"https://evil.example/mcp","authorization_servers":["https://as.example"]}"#);
    assert!(matches!(other, Err(MetadataError::Resource { .. })));
    for servers in ["", r#","authorization_servers":[]"#, r#","authorization_servers":null"#] {
        let body = format!(r#"{{"resource":"https://example.com"{servers}}}"#);
        assert_eq!(read(&body).expect("a document").authorization_servers, [""; 0]);
    }
}

#[test]
fn w6_what_is_no_metadata() {
    let server = url("https://example.com/mcp");
    let deep = format!("{{\"resource\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let doubled = r#"{"resource":"https://example.com","resource":"https://example.com"}"#;
    for body in ["", "null", "[]", "<html>", "{", "\"x\"", r#"{"resource":1}"#, &deep, doubled] {
        let result = ResourceMetadata::read(body.as_bytes(), &server);
        assert_eq!(result, Err(MetadataError::NotMetadata), "{}", &body[..body.len().min(20)]);
    }
}

#[test]
fn m8_where_server_metadata_stands() {
    let origin = "https://auth.example.com";
    for (issuer, expected) in [
        (
            "https://auth.example.com/tenant1",
            vec![
                format!("{origin}/.well-known/oauth-authorization-server/tenant1"),
                format!("{origin}/.well-known/openid-configuration/tenant1"),
                format!("{origin}/tenant1/.well-known/openid-configuration"),
                format!("{origin}/tenant1/.well-known/oauth-authorization-server"),
            ],
        ),
        (
            "https://auth.example.com/",
            vec![
                format!("{origin}/.well-known/oauth-authorization-server"),
                format!("{origin}/.well-known/openid-configuration"),
            ],
        ),
    ] {
        assert_eq!(texts(&server_metadata_urls(issuer, PUBLIC).expect("an issuer")), expected);
    }
    let slash = server_metadata_urls("https://auth.example.com/tenant1/", PUBLIC).expect("an issuer");
    assert_eq!(slash[0].path(), "/.well-known/oauth-authorization-server/tenant1");
    assert!(server_metadata_urls("https://auth.example.com/?x=1", PUBLIC).is_err());
    assert_eq!(server_metadata_urls("http://auth.example.com", PUBLIC), Err(UrlError::Plaintext));
}

#[test]
fn m9_issuers_are_compared_as_strings() {
    for (expected, found, same) in [
        ("https://as.example", "https://as.example", true),
        ("https://as.example/", "https://as.example", true),
        ("https://as.example", "https://as.example/", true),
        ("https://as.example/t1", "https://as.example/t1", true),
        ("https://as.example/t1", "https://as.example/t1/", false),
        ("https://as.example/t1", "https://as.example", false),
        ("https://as.example", "https://as.example//", false),
        ("https://as.example/", "https://as.example//", false),
        ("https://as.example", "https://AS.example", false),
        ("https://as.example", "https://as.example:443", false),
        ("https://as.example", "https://as.example?", false),
        ("https://attacker.example", "https://honest.example", false),
    ] {
        assert_eq!(same_issuer(expected, found), same, "{expected} {found}");
    }
}

fn document(extra: &str) -> String {
    format!(
        r#"{{"issuer":"https://as.example","authorization_endpoint":"https://as.example/authorize",
            "token_endpoint":"https://tokens.example/token"{extra}}}"#
    )
}

fn read(body: &str) -> Result<AuthorizationServer, MetadataError> {
    AuthorizationServer::read(body.as_bytes(), "https://as.example/", PUBLIC)
}

#[test]
fn m9a_the_recorded_issuer_is_the_documents() {
    assert_eq!(read(&document("")).expect("good metadata").issuer, "https://as.example");
    let other = AuthorizationServer::read(document("").as_bytes(), "https://evil.example", PUBLIC);
    assert!(matches!(other, Err(MetadataError::Issuer { .. })));
}

#[test]
fn m10_pkce_is_listed_or_refused() {
    for (methods, assume, expected) in [
        (r#","code_challenge_methods_supported":["plain","S256"]"#, false, true),
        (r#","code_challenge_methods_supported":["plain"]"#, false, false),
        (r#","code_challenge_methods_supported":["plain"]"#, true, false),
        (r#","code_challenge_methods_supported":[]"#, true, false),
        ("", false, false),
        ("", true, true),
    ] {
        let server = read(&document(methods)).expect("good metadata");
        assert_eq!(server.check_pkce(assume).is_ok(), expected, "{methods} {assume}");
    }
}

#[test]
fn m26b_only_a_true_is_a_promise() {
    for (value, promised) in [("true", true), ("false", false), ("\"true\"", false), ("1", false), ("null", false)] {
        let body = document(&format!(r#","authorization_response_iss_parameter_supported":{value}"#));
        assert_eq!(read(&body).expect("good metadata").iss_promised, promised, "{value}");
    }
}

#[test]
fn a_document_says_what_was_read() {
    let all = document(
        r#","registration_endpoint":"https://as.example/r","revocation_endpoint":"https://as.example/v",
        "scopes_supported":["a"],"token_endpoint_auth_methods_supported":["none"],
        "code_challenge_methods_supported":["S256"],"authorization_response_iss_parameter_supported":true,
        "client_id_metadata_document_supported":true"#,
    );
    for body in [document(""), all] {
        let server = read(&body).expect("good metadata");
        assert_eq!(read(&server.document().to_string()), Ok(server));
    }
}

#[test]
fn w8_no_endpoint_may_be_http() {
    for member in ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"] {
        let mut json: serde_json::Value = serde_json::from_str(&document("")).expect("JSON");
        json[member] = "http://as.example/x".into();
        assert!(matches!(read(&json.to_string()), Err(MetadataError::Url { .. })), "{member}");
    }
}

#[test]
fn missing_members_are_named() {
    let body = r#"{"issuer":"https://as.example","token_endpoint":"https://as.example/t"}"#;
    assert_eq!(read(body), Err(MetadataError::Missing("where its authorization endpoint is")));
    assert_eq!(read("{}"), Err(MetadataError::Missing("its issuer")));
}
