//! Honest and hostile requests to the servers of the demo.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use serde_json::{json, Value};
use tiny_http::TestRequest;

use super::*;
use crate::mcp;

const ORIGIN: &str = "http://127.0.0.1:4000";
const CALLBACK: &str = "http://127.0.0.1:5000/callback";
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";

fn send(
    handler: &Handler,
    method: &str,
    target: &str,
    body: &str,
    headers: &[(&str, &str)],
) -> HttpResponse {
    let method = method.parse().expect("a method");
    let mut request = TestRequest::new().with_method(method).with_path(target);
    for (name, value) in headers {
        request = request.with_header(Header::from_bytes(*name, *value).expect("a header"));
    }
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request = request.with_header(Header::from_bytes("Host", &ORIGIN[7..]).expect("a header"));
    }
    handler.answer(&request.into(), body.as_bytes())
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// Puts other values in the place of some; an empty one leaves the parameter out.
fn change<'a>(pairs: &mut Vec<(&'a str, &'a str)>, changes: &[(&'a str, &'a str)]) {
    for change in changes {
        pairs.retain(|(name, _)| *name != change.0);
        pairs.extend((!change.1.is_empty()).then_some(*change));
    }
}

fn json(answer: &HttpResponse) -> Value {
    serde_json::from_str(&answer.body).expect("JSON")
}

fn header<'a>(answer: &'a HttpResponse, name: &str) -> &'a str {
    answer
        .headers
        .iter()
        .find(|(key, _)| *key == name)
        .map_or("", |(_, value)| value)
}

/// Returns a parameter of the URL that an answer sends the browser to.
fn told(answer: &HttpResponse, name: &str) -> Option<String> {
    let target = url::Url::parse(header(answer, "Location")).expect("a redirect");
    assert!(target.as_str().starts_with(CALLBACK), "{target}");
    let mut pairs = target.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A client on its way through the servers.
struct Walk {
    handler: Handler,
    client_id: String,
}

impl Walk {
    fn start() -> Self {
        let handler = Handler::new(ORIGIN.to_owned());
        let body = json!({"client_name": "<b>x</b>", "redirect_uris": [CALLBACK]}).to_string();
        let answer = send(&handler, "POST", "/register", &body, &[]);
        assert_eq!(answer.status, 201);
        let client_id = json(&answer)["client_id"]
            .as_str()
            .expect("an identifier")
            .to_owned();
        Self { handler, client_id }
    }

    fn ask(&self, changes: &[(&str, &str)]) -> HttpResponse {
        let challenge = URL_SAFE_NO_PAD.encode(crate::digest::sha256(VERIFIER));
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", CALLBACK),
            ("state", "the state&"),
            ("scope", "tools:list"),
            ("resource", "http://127.0.0.1:4000/mcp"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        change(&mut query, changes);
        send(
            &self.handler,
            "GET",
            &format!("/authorize?{}", encoded(&query)),
            "",
            &[],
        )
    }

    fn say(&self, page: &HttpResponse, answer: &str) -> HttpResponse {
        let request = page
            .body
            .split_once(r#"name="request" value=""#)
            .expect("a form")
            .1;
        let request = request.split_once('"').expect("a form").0;
        let form = encoded(&[("request", request), ("answer", answer)]);
        let headers = [("Origin", ORIGIN), ("Sec-Fetch-Site", "same-origin")];
        send(&self.handler, "POST", "/authorize", &form, &headers)
    }

    fn code(&self) -> String {
        told(&self.say(&self.ask(&[]), "allow"), "code").expect("a code")
    }

    fn exchange(&self, code: &str, changes: &[(&str, &str)]) -> HttpResponse {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &self.client_id),
            ("redirect_uri", CALLBACK),
            ("resource", "http://127.0.0.1:4000/mcp"),
            ("code_verifier", VERIFIER),
        ];
        change(&mut form, changes);
        send(&self.handler, "POST", "/token", &encoded(&form), &[])
    }

    fn token(&self) -> String {
        let answer = json(&self.exchange(&self.code(), &[]));
        format!(
            "Bearer {}",
            answer["access_token"].as_str().expect("a token")
        )
    }

    fn call(&self, token: &str, body: &str, headers: &[(&str, &str)]) -> HttpResponse {
        send(
            &self.handler,
            "POST",
            "/mcp",
            body,
            &[&[("Authorization", token)], headers].concat(),
        )
    }
}

#[test]
fn a_client_gets_tokens_after_consent() {
    let walk = Walk::start();
    let page = walk.ask(&[]);
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("&lt;b&gt;x&lt;/b&gt;") && page.body.contains(CALLBACK),
        "{}",
        page.body
    );
    let policy = header(&page, "Content-Security-Policy");
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:5000;"),
        "{policy}"
    );
    let answer = walk.say(&page, "allow");
    assert_eq!(
        (told(&answer, "state"), told(&answer, "iss")),
        (Some("the state&".into()), Some(ORIGIN.into()))
    );
    let tokens = json(&walk.exchange(&told(&answer, "code").expect("a code"), &[]));
    assert_eq!(
        (&tokens["token_type"], &tokens["scope"]),
        (&json!("Bearer"), &json!("tools:list"))
    );

    let refresh = |token: &Value| {
        let token = token.as_str().expect("a refresh token");
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", &walk.client_id),
        ];
        send(&walk.handler, "POST", "/token", &encoded(&form), &[])
    };
    let fresh = json(&refresh(&tokens["refresh_token"]));
    assert!(fresh["access_token"].is_string() && fresh["access_token"] != tokens["access_token"]);
    assert_eq!(
        refresh(&tokens["refresh_token"]).status,
        400,
        "a refresh token is used once"
    );
}

#[test]
fn a_refusal_is_sent_to_the_client() {
    let walk = Walk::start();
    let answer = walk.say(&walk.ask(&[]), "deny");
    assert_eq!(told(&answer, "error").as_deref(), Some("access_denied"));
    assert_eq!(
        (told(&answer, "state"), told(&answer, "iss")),
        (Some("the state&".into()), Some(ORIGIN.into()))
    );
}

#[test]
fn wrong_requests_never_become_a_page_that_asks() {
    let walk = Walk::start();
    for unsafe_one in [
        ("client_id", "somebody"),
        ("client_id", ""),
        ("redirect_uri", "http://127.0.0.1:5001/callback"),
        ("redirect_uri", "http://127.0.0.1:5000/callback/"),
        ("redirect_uri", ""),
    ] {
        let answer = walk.ask(&[unsafe_one]);
        assert_eq!(
            (answer.status, header(&answer, "Location")),
            (400, ""),
            "{unsafe_one:?}"
        );
    }
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (
            ("resource", "http://127.0.0.1:4000/other"),
            "invalid_target",
        ),
        (("resource", ""), "invalid_target"),
        (("scope", "tools:list admin"), "invalid_scope"),
    ] {
        let answer = walk.ask(&[change]);
        assert_eq!(
            (answer.status, told(&answer, "error").as_deref()),
            (303, Some(error)),
            "{change:?}"
        );
        assert_eq!(told(&answer, "iss").as_deref(), Some(ORIGIN));
    }
}

#[test]
fn only_our_own_page_answers_and_only_once() {
    let walk = Walk::start();
    let page = walk.ask(&[]);
    assert_eq!(walk.say(&page, "allow").status, 303);
    assert_eq!(walk.say(&page, "allow").status, 400, "answered before");
    let post = |body: &str, headers: &[(&str, &str)]| {
        send(&walk.handler, "POST", "/authorize", body, headers)
    };
    let own = [("Origin", ORIGIN)];
    assert_eq!(
        post("answer=allow", &own).status,
        400,
        "without the secret of a page"
    );
    assert_eq!(post("request=guessed&answer=allow", &own).status, 400);
    for headers in [
        &[][..],
        &[("Origin", "null")],
        &[("Origin", "http://evil.example")],
        &[("Origin", "http://127.0.0.1:5000")],
        &[("Origin", ORIGIN), ("Origin", ORIGIN)],
        &[("Origin", ORIGIN), ("Sec-Fetch-Site", "cross-site")],
        &[("Origin", ORIGIN), ("Sec-Fetch-Site", "same-site")],
    ] {
        assert_eq!(
            post("request=guessed&answer=allow", headers).status,
            403,
            "{headers:?}"
        );
    }
}

#[test]
fn a_code_is_good_once_and_for_its_client_alone() {
    let walk = Walk::start();
    let code = walk.code();
    assert_eq!(walk.exchange(&code, &[]).status, 200);
    assert_eq!(json(&walk.exchange(&code, &[]))["error"], "invalid_grant");
    for (change, error) in [
        (
            (
                "code_verifier",
                "another-verifier-of-forty-three-characters..",
            ),
            "invalid_grant",
        ),
        (("code_verifier", ""), "invalid_grant"),
        (
            ("redirect_uri", "http://127.0.0.1:5001/callback"),
            "invalid_grant",
        ),
        (("client_id", "somebody"), "invalid_grant"),
        (("resource", "http://evil.example"), "invalid_target"),
        (("grant_type", "password"), "unsupported_grant_type"),
    ] {
        assert_eq!(
            json(&walk.exchange(&walk.code(), &[change]))["error"],
            error,
            "{change:?}"
        );
    }
    let code = walk.code();
    walk.exchange(&code, &[("code_verifier", "guessed")]);
    assert_eq!(
        walk.exchange(&code, &[]).status,
        400,
        "a wrong verifier uses the code up"
    );
}

#[test]
fn only_this_address_is_served() {
    let handler = Handler::new(ORIGIN.to_owned());
    let get = |path, headers: &[(&str, &str)]| send(&handler, "GET", path, "", headers).status;
    assert_eq!(get(SERVER_METADATA, &[]), 200);
    for host in ["evil.example:4000", "127.0.0.1", "localhost:4000"] {
        assert_eq!(get(SERVER_METADATA, &[("Host", host)]), 421, "{host}");
    }
    let foreign = [("Origin", "http://evil.example")];
    assert_eq!(send(&handler, "POST", "/mcp", "{}", &foreign).status, 403);
    assert_eq!(get("/favicon.ico", &[]), 404);
}

#[test]
fn only_programs_of_this_machine_register() {
    let handler = Handler::new(ORIGIN.to_owned());
    let register = |body: &str| send(&handler, "POST", "/register", body, &[]).status;
    for (uris, status) in [
        (json!([CALLBACK]), 201),
        (
            json!(["http://127.0.0.1/", "http://127.0.0.2:1/x?y=z"]),
            201,
        ),
        (json!([CALLBACK, "https://evil.example/"]), 400),
        (json!(["http://127.0.0.1.evil.example/"]), 400),
        (json!(["http://evil.example@127.0.0.1/"]), 400),
        (json!(["http://127.0.0.1/#x"]), 400),
        (json!(["javascript:alert(1)"]), 400),
        (json!([7]), 400),
        (json!([]), 400),
        (json!(["http://127.0.0.1/"].repeat(9)), 400),
        (Value::Null, 400),
    ] {
        let body = json!({"redirect_uris": uris, "client_name": "x"}).to_string();
        assert_eq!(register(&body), status, "{body}");
    }
    assert_eq!(register("<html>"), 400);
}

#[test]
fn tools_are_for_those_with_a_token() {
    let walk = Walk::start();
    let (list, modern) = (
        mcp::modern_request(mcp::LIST_TOOLS, None),
        mcp::modern_headers(mcp::LIST_TOOLS),
    );
    let anonymous = send(&walk.handler, "POST", "/mcp", &list, &modern);
    assert_eq!(anonymous.status, 401);
    let challenge = header(&anonymous, "WWW-Authenticate");
    let metadata = format!(
        r#"Bearer scope="tools:list tools:call", resource_metadata="{ORIGIN}{RESOURCE_METADATA}""#
    );
    assert_eq!(challenge, metadata);
    let refused = walk.call("Bearer guessed", &list, &modern);
    assert!(
        refused.status == 401 && header(&refused, "WWW-Authenticate").contains("invalid_token")
    );

    let token = walk.token();
    let result = json(&walk.call(&token, &list, &modern));
    assert_eq!(result["result"]["tools"].as_array().map(Vec::len), Some(3));
    assert_eq!(result["result"]["resultType"], "complete");
    let other = [
        ("MCP-Protocol-Version", mcp::MODERN),
        ("Mcp-Method", "ping"),
    ];
    assert_eq!(
        json(&walk.call(&token, &list, &other))["error"]["code"],
        -32020
    );
    let older = [("MCP-Protocol-Version", "1999-01-01")];
    assert_eq!(
        json(&walk.call(&token, &list, &older))["error"]["code"],
        -32022
    );
    assert_eq!(walk.call(&token, "{", &modern).status, 400);

    let opened = json(&walk.call(&token, &mcp::initialize(None), &[]));
    assert_eq!(opened["result"]["protocolVersion"], mcp::CLASSIC);
    assert_eq!(walk.call(&token, &mcp::initialized(), &[]).status, 202);
    let listed = json(&walk.call(&token, &mcp::classic_request(mcp::LIST_TOOLS), &[]));
    assert_eq!(
        (&listed["id"], &listed["result"]["tools"][0]["name"]),
        (&json!(2), &json!("greet"))
    );
    assert_eq!(listed["result"].get("resultType"), None);
}

#[test]
fn tools_run_for_those_who_may_use_them() {
    let walk = Walk::start();
    let call = |name: &str, arguments: Value| {
        json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
            .to_string()
    };
    let greet = call("greet", json!({"name": "Ann"}));
    let narrow = walk.call(&walk.token(), &greet, &[]);
    assert_eq!(narrow.status, 403);
    assert!(header(&narrow, "WWW-Authenticate")
        .contains(r#"error="insufficient_scope", scope="tools:call""#));

    let answer = walk.say(&walk.ask(&[("scope", "tools:list tools:call")]), "allow");
    let tokens = json(&walk.exchange(&told(&answer, "code").expect("a code"), &[]));
    let token = format!(
        "Bearer {}",
        tokens["access_token"].as_str().expect("a token")
    );
    let run = |body: &str| json(&walk.call(&token, body, &[]));
    assert_eq!(run(&greet)["result"]["content"][0]["text"], "Hello, Ann!");
    assert_eq!(
        run(&call("count", json!({"text": "one two"})))["result"]["content"][0]["text"],
        "2"
    );
    assert!(run(&call("clock", Value::Null))["result"]["content"][0]["text"].is_string());
    assert_eq!(run(&call("greet", json!({})))["error"]["code"], -32602);
    assert_eq!(run(&call("steal", json!({})))["error"]["code"], -32602);
}
