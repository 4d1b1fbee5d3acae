//! Metadata, valid and not.

use super::*;

const PUBLIC: UrlPolicy = UrlPolicy { loopback: false };

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
        (
            "https://example.com/public/mcp",
            vec![format!("{at_root}/public/mcp"), at_root.into()],
        ),
        (
            "https://example.com/mcp/",
            vec![format!("{at_root}/mcp"), at_root.into()],
        ),
        (
            "https://example.com/mcp?tenant=1",
            vec![format!("{at_root}/mcp?tenant=1"), at_root.into()],
        ),
        ("https://example.com", vec![at_root.into()]),
        ("https://example.com/", vec![at_root.into()]),
    ] {
        assert_eq!(
            texts(&resource_metadata_urls(&url(server))),
            expected,
            "{server}"
        );
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
        assert_eq!(
            includes(resource, &url("https://example.com/a/mcp")),
            expected,
            "{resource}"
        );
    }
    assert!(!includes(
        "http://localhost:1/mcp",
        &url("http://127.0.0.1:1/mcp")
    ));
}

#[test]
fn m4_m5_reading_resource_metadata() {
    let server = url("https://example.com/mcp");
    let read = |body: &str| ResourceMetadata::read(body.as_bytes(), &server, false);
    let good = r#"{"resource":"https://example.com/mcp","authorization_servers":["https://as.example"],"x":1}"#;
    let metadata = read(good).expect("good metadata");
    assert_eq!(metadata.resource, "https://example.com/mcp");
    assert_eq!(metadata.authorization_servers, ["https://as.example"]);
    assert!(metadata.scopes.is_empty());
    assert_eq!(read(&format!("\u{feff}{good}")), Ok(metadata));
    assert_eq!(
        read("{}"),
        Err(MetadataError::Missing {
            member: "resource",
            meaning: "which resource it is for"
        })
    );
    let other = read(
        r#"{"resource":"https://evil.example/mcp","authorization_servers":["https://as.example"]}"#,
    );
    assert!(matches!(other, Err(MetadataError::Resource { .. })));
    for servers in [
        "",
        r#","authorization_servers":[]"#,
        r#","authorization_servers":null"#,
    ] {
        let body = format!(r#"{{"resource":"https://example.com"{servers}}}"#);
        assert_eq!(
            read(&body).expect("a document").authorization_servers,
            [""; 0]
        );
    }
}

#[test]
fn w6_m55_invalid_metadata() {
    use MetadataError::{Doubled, NotAnObject, NotMetadata, WrongType};
    let server = url("https://example.com/mcp");
    let deep = format!(
        "{{\"resource\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let doubled = r#"{"resource":"https://example.com","resource":"https://example.com"}"#;
    for (body, expected) in [
        ("", NotMetadata),
        ("<html>", NotMetadata),
        ("{", NotMetadata),
        (&deep, NotMetadata),
        ("null", NotAnObject),
        ("[]", NotAnObject),
        ("7", NotAnObject),
        ("\"x\"", NotAnObject),
        (
            r#"{"resource":1}"#,
            WrongType {
                member: "resource",
                expected: "a string",
            },
        ),
        (
            r#"{"resource":["https://example.com"]}"#,
            WrongType {
                member: "resource",
                expected: "a string",
            },
        ),
        (doubled, Doubled("resource")),
    ] {
        let result = ResourceMetadata::read(body.as_bytes(), &server, false);
        assert_eq!(result, Err(expected), "{}", &body[..body.len().min(20)]);
    }
}

fn ignored(list: &[Ignored]) -> Vec<&'static str> {
    list.iter().map(|it| it.member).collect()
}

#[test]
fn m55_one_member_of_another_type_is_left_out() {
    let server = url("https://example.com/mcp");
    for (members, servers, scopes, left_out) in [
        (
            r#""authorization_servers":"https://as.example""#,
            &["https://as.example"][..],
            &[][..],
            &[][..],
        ),
        (
            r#""authorization_servers":["https://as.example",7]"#,
            &["https://as.example"],
            &[],
            &["authorization_servers"],
        ),
        (
            r#""authorization_servers":{"a":1}"#,
            &[],
            &[],
            &["authorization_servers"],
        ),
        (
            r#""scopes_supported":"a b""#,
            &[],
            &[],
            &["scopes_supported"],
        ),
        (
            r#""scopes_supported":["a",null,"b"]"#,
            &[],
            &["a", "b"],
            &["scopes_supported"],
        ),
        (
            r#""scopes_supported":null,"resource_name":7,"jwks_uri":[]"#,
            &[],
            &[],
            &[],
        ),
    ] {
        let body = format!(r#"{{"resource":"https://example.com/mcp",{members}}}"#);
        let read = ResourceMetadata::read(body.as_bytes(), &server, false).expect("metadata");
        assert_eq!(
            (&read.authorization_servers[..], &read.scopes[..]),
            (&strings(servers)[..], &strings(scopes)[..])
        );
        assert_eq!(ignored(&read.ignored), left_out, "{members}");
    }
    for (member, value) in [
        ("scopes_supported", "\"a\""),
        ("token_endpoint_auth_methods_supported", "{}"),
        ("code_challenge_methods_supported", "\"S256\""),
        ("registration_endpoint", "7"),
        ("revocation_endpoint", "[\"https://as.example/v\"]"),
        ("userinfo_endpoint", "true"),
        ("grant_types_supported", "7"),
        ("response_types_supported", "\"token\""),
    ] {
        let read = read(&document(&format!(r#","{member}":{value}"#))).expect("metadata");
        assert_eq!(ignored(&read.ignored), [member]);
        assert_eq!(
            read,
            AuthorizationServer {
                ignored: read.ignored.clone(),
                ..self::read(&document("")).expect("it")
            }
        );
    }
    for member in ["issuer", "authorization_endpoint", "token_endpoint"] {
        let mut json: Value = serde_json::from_str(&document("")).expect("JSON");
        json[member] = 7.into();
        assert_eq!(
            read(&json.to_string()),
            Err(MetadataError::WrongType {
                member,
                expected: "a string"
            })
        );
    }
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn m54_an_endpoint_that_a_login_can_do_without_is_as_if_it_were_absent() {
    for value in [
        "",
        "/x",
        "x",
        "http://as.example/x",
        "ftp://as.example/x",
        "https://u@as.example/x",
        "https://as.example/#x",
    ] {
        for member in [
            "registration_endpoint",
            "revocation_endpoint",
            "userinfo_endpoint",
        ] {
            let read = read(&document(&format!(r#","{member}":"{value}""#))).expect("metadata");
            let endpoints = [
                &read.registration_endpoint,
                &read.revocation_endpoint,
                &read.userinfo_endpoint,
            ];
            assert_eq!(endpoints, [&None; 3], "{member} {value}");
            assert_eq!(ignored(&read.ignored), [member], "{value}");
            assert_eq!(
                read.unusable_registration.is_some(),
                member == "registration_endpoint"
            );
        }
        // What is not read at all does not matter.
        let other = format!(
            r#","jwks_uri":"{value}","introspection_endpoint":"{value}","service_documentation":7"#
        );
        assert_eq!(read(&document(&other)), read(&document("")), "{value}");
    }
    // Tokens would be sent there: into a private network they are not.
    let private = read(&document(r#","revocation_endpoint":"https://127.0.0.1/x""#));
    assert!(matches!(
        private,
        Err(MetadataError::Url {
            member: "revocation endpoint",
            ..
        })
    ));
}

#[test]
fn m54_m55_a_relative_url_is_skipped_or_named() {
    let server = url("https://example.com/mcp");
    for (servers, expected) in [
        (r#""""#, &[][..]),
        (r#"[""]"#, &[]),
        (
            r#"["not a url", "/as", "//as.example", "as", "https://", "https://as.example"]"#,
            &["https://as.example"],
        ),
        // What is a URL, but must not be used, stays in its place.
        (
            r#"["http://as.example", "https://as.example"]"#,
            &["http://as.example", "https://as.example"],
        ),
        (
            r#"["https://user@as.example", " https://as.example"]"#,
            &["https://user@as.example", " https://as.example"],
        ),
    ] {
        let body = format!(
            r#"{{"resource":"https://example.com/mcp","authorization_servers":{servers}}}"#
        );
        let read = ResourceMetadata::read(body.as_bytes(), &server, false).expect("metadata");
        assert_eq!(read.authorization_servers, strings(expected), "{servers}");
    }
    for member in ["authorization_endpoint", "token_endpoint"] {
        for value in ["", "/token", "token", "//as.example/token", "not a url"] {
            let mut json: Value = serde_json::from_str(&document("")).expect("JSON");
            json[member] = value.into();
            let expected = Err(MetadataError::WrongType {
                member,
                expected: "an absolute URL",
            });
            assert_eq!(read(&json.to_string()), expected, "{value}");
        }
    }
}

#[test]
fn m58_a_server_without_the_code_flow_names_its_grant_types() {
    for (members, offered) in [
        ("", &[][..]),
        (
            r#","grant_types_supported":["authorization_code","implicit"]"#,
            &[],
        ),
        (
            r#","grant_types_supported":[],"response_types_supported":[]"#,
            &[],
        ),
        (r#","response_types_supported":["token","code"]"#, &[]),
        (
            r#","grant_types_supported":["client_credentials","urn:x"]"#,
            &["client_credentials", "urn:x"],
        ),
        (
            r#","response_types_supported":["token","code token"]"#,
            &["token", "code token"],
        ),
        (
            r#","grant_types_supported":["authorization_code"],"response_types_supported":["token"]"#,
            &["token"],
        ),
    ] {
        let checked = read(&document(members))
            .expect("metadata")
            .check_code_flow();
        let expected = if offered.is_empty() {
            Ok(())
        } else {
            Err(MetadataError::NoCodeFlow(strings(offered)))
        };
        assert_eq!(checked, expected, "{members}");
    }
}

#[test]
fn a7_n6_which_resource_is_the_server_itself() {
    let server = url("https://example.com/a/mcp?t=1");
    for (resource, names, is_identical) in [
        ("https://example.com/a/mcp?t=1", true, true),
        ("https://EXAMPLE.com:443/a/mcp?t=1", true, true),
        ("https://example.com/a/mcp/?t=1", true, false),
        ("https://example.com/a/mcp", false, false),
        ("https://example.com/a", false, false),
        ("https://example.com", false, false),
    ] {
        let body = serde_json::json!({ "resource": resource }).to_string();
        let read = ResourceMetadata::read(body.as_bytes(), &server, false).expect("metadata");
        assert_eq!(
            (read.names(&server), read.is_identical(&server)),
            (names, is_identical),
            "{resource}"
        );
    }
    // What the user settles, the document need not say, or say right.
    for body in [
        "{}",
        r#"{"resource":"http://example.com/a/mcp"}"#,
        r#"{"resource":"https://other.example"}"#,
        r#"{"resource":7}"#,
    ] {
        assert!(
            ResourceMetadata::read(body.as_bytes(), &server, true).is_ok(),
            "{body}"
        );
        assert!(
            ResourceMetadata::read(body.as_bytes(), &server, false).is_err(),
            "{body}"
        );
    }
}

#[test]
fn m52_a_resource_in_the_authorization_endpoint_is_removed() {
    let page = |endpoint: &str| {
        let mut json: Value = serde_json::from_str(&document("")).expect("JSON");
        json["authorization_endpoint"] = endpoint.into();
        read(&json.to_string()).map(|server| server.authorization_endpoint.to_string())
    };
    assert_eq!(
        page("https://as.example/a?x=1&resource=y"),
        Ok("https://as.example/a?x=1".to_owned())
    );
    for ours in [
        "client_id",
        "state",
        "redirect_uri",
        "response_type",
        "code_challenge",
        "code_challenge_method",
    ] {
        let refused = page(&format!("https://as.example/a?resource=y&{ours}=x"));
        assert!(
            matches!(
                refused,
                Err(MetadataError::Url {
                    why: UrlError::OurParameter(_),
                    ..
                })
            ),
            "{ours}"
        );
    }
}

#[test]
fn m8_where_server_metadata_is() {
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
        assert_eq!(
            texts(&server_metadata_urls(issuer, PUBLIC).expect("an issuer")),
            expected
        );
    }
    let slash =
        server_metadata_urls("https://auth.example.com/tenant1/", PUBLIC).expect("an issuer");
    assert_eq!(
        slash[0].path(),
        "/.well-known/oauth-authorization-server/tenant1"
    );
    assert!(server_metadata_urls("https://auth.example.com/?x=1", PUBLIC).is_err());
    assert_eq!(
        server_metadata_urls("http://auth.example.com", PUBLIC),
        Err(UrlError::Plaintext)
    );
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
    AuthorizationServer::read(body.as_bytes(), Some("https://as.example/"), |url| {
        PUBLIC.check(url)
    })
}

#[test]
fn m9a_the_recorded_issuer_is_the_documents() {
    assert_eq!(
        read(&document("")).expect("good metadata").issuer,
        "https://as.example"
    );
    let other = AuthorizationServer::read(
        document("").as_bytes(),
        Some("https://evil.example"),
        |url| PUBLIC.check(url),
    );
    assert!(matches!(other, Err(MetadataError::Issuer { .. })));
}

#[test]
fn m10_pkce_is_listed_or_refused() {
    for (methods, assume, expected) in [
        (
            r#","code_challenge_methods_supported":["plain","S256"]"#,
            false,
            true,
        ),
        (
            r#","code_challenge_methods_supported":["plain"]"#,
            false,
            false,
        ),
        (
            r#","code_challenge_methods_supported":["plain"]"#,
            true,
            false,
        ),
        (r#","code_challenge_methods_supported":[]"#, true, false),
        ("", false, false),
        ("", true, true),
    ] {
        let server = read(&document(methods)).expect("good metadata");
        assert_eq!(
            server.check_pkce(assume).is_ok(),
            expected,
            "{methods} {assume}"
        );
    }
}

#[test]
fn m26b_only_a_true_is_a_promise() {
    for (value, promised) in [
        ("true", true),
        ("false", false),
        ("\"true\"", false),
        ("1", false),
        ("null", false),
    ] {
        let body = document(&format!(
            r#","authorization_response_iss_parameter_supported":{value}"#
        ));
        assert_eq!(
            read(&body).expect("good metadata").iss_promised,
            promised,
            "{value}"
        );
    }
}

#[test]
fn a_document_lists_what_was_read() {
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
fn w8_no_endpoint_that_a_login_needs_may_be_http() {
    for member in ["authorization_endpoint", "token_endpoint"] {
        let mut json: Value = serde_json::from_str(&document("")).expect("JSON");
        json[member] = "http://as.example/x".into();
        assert!(
            matches!(read(&json.to_string()), Err(MetadataError::Url { .. })),
            "{member}"
        );
    }
}

#[test]
fn missing_members_are_named() {
    let body = r#"{"issuer":"https://as.example","token_endpoint":"https://as.example/t"}"#;
    let (member, meaning) = (
        "authorization_endpoint",
        "where its authorization endpoint is",
    );
    assert_eq!(read(body), Err(MetadataError::Missing { member, meaning }));
    assert_eq!(
        read("{}"),
        Err(MetadataError::Missing {
            member: "issuer",
            meaning: "its issuer"
        })
    );
}
