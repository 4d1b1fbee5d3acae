//! Pastes, legal and not, in every wrapping.

use super::*;

const QUERY: &str = "code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj";
const URL: &str = "http://127.0.0.1:49152/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj";
const SIGN_IN: &str = "https://as.example/authorize?response_type=code&client_id=c&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&state=af0ifjsldkj&code_challenge=x&code_challenge_method=S256";

/// Compares the parameters found in `text` with `expected`.
fn check(text: &str, expected: &str) {
    match read(text) {
        PasteContent::Answer(answer) => assert_eq!(answer.query, expected, "{text:?}"),
        other => panic!("{other:?} in {text:?}"),
    }
}

/// Checks that `text`, where `URL` stands for the good address and `QUERY` for its parameters, is the good answer.
fn check_legal(text: &str) {
    check(&text.replace("URL", URL).replace("QUERY", QUERY), QUERY);
}

fn check_illegal(text: &str, why: PasteMistake) {
    assert_eq!(read(text), PasteContent::NotAnAnswer(why), "{text:?}");
}

fn check_place(text: &str, expected: Option<&str>) {
    let PasteContent::Answer(answer) = read(text) else {
        panic!("no answer in {text:?}")
    };
    assert_eq!(answer.place.as_ref().map(Url::as_str), expected, "{text:?}");
}

#[test]
fn p1_quotes_and_brackets_are_removed() {
    let visible = [
        "\"\"", "''", "``", "<>", "()", "[]", "{}", "**", "“”", "‘’", "„“", "«»",
    ];
    let invisible = ["", " ", "\t", "\r\n", "\u{a0}", "\u{200b}", "\u{feff}"];
    let visible = visible
        .iter()
        .filter_map(|pair| pair.split_at_checked(pair.len() / 2));
    let bracketed = [("\u{1b}[200~", "\u{1b}[201~")];
    let wrappings: Vec<_> = visible
        .clone()
        .chain(invisible.map(|space| (space, space)))
        .chain(bracketed)
        .collect();
    for inner in [URL, QUERY] {
        for (open, close) in &wrappings {
            for (outer_open, outer_close) in &wrappings {
                check_legal(&format!("{outer_open}{open}{inner}{close}{outer_close}"));
            }
            for (outer_open, outer_close) in visible.clone() {
                for mark in [".", ",", ";", ":", "!", "?", "..."] {
                    check_legal(&format!(
                        "{outer_open}{open}{inner}{close}{outer_close}{mark}"
                    ));
                }
            }
        }
    }
}

#[test]
fn p1_a_mark_that_may_belong_to_the_answer_stays() {
    for mark in [".", "-", "_", "~", "*", "!", ")", "=", "%3D"] {
        check(&format!("{URL}{mark}"), &format!("{QUERY}{mark}"));
    }
}

#[test]
fn p1_the_answer_is_found_within_text() {
    for text in [
        "I landed at URL ok?",
        "URL is where I am",
        "it says:URL",
        "I got QUERY",
        "I got ?QUERY back",
        "Location: URL",
        "< location: URL\r\n",
        "GET /callback?QUERY HTTP/1.1",
        "127.0.0.1 - - \"GET /callback?QUERY HTTP/1.1\" 404 -",
        "curl 'URL'",
        "curl -s 'URL' -H 'accept: */*'",
        "curl -v \"URL\"",
        "wget URL",
        "open 'URL'",
        "xdg-open 'URL' &",
        "start \"\" \"URL\"",
        "$ curl 'URL'",
        "[link](URL)",
        "[URL](URL)",
        "**URL**",
        "<a href=\"URL\">here</a>",
        "{\"url\":\"URL\"}",
        "url=URL",
        "url: 'URL', \"x\"",
        "view-source:URL",
        "│ URL │",
        "│ URL\n│",
        "> URL",
        "> > URL",
        "This site can't be reached\n\nURL\n\nrefused to connect.",
        "I landed here:\nURL\nis that ok?",
        "URL\n\nthanks",
        "a=b URL",
        "http://x.example/ and URL",
        "URL and http://x.example/",
        "the first was http://127.0.0.1:1/callback?code=a and then URL",
        "got\nQUERY",
        "at\nlocalhost:1/callback?QUERY",
    ] {
        check_legal(text);
    }
}

/// What may stand at the start of a line that a terminal or a mail program has cut.
const INDENTATIONS: [&str; 12] = [
    "", " ", "  ", "   ", "    ", "     ", "      ", "       ", "        ", "\t", "> ", "│ ",
];

#[test]
fn p2_an_address_cut_anywhere_is_put_together() {
    let long = format!("https://127.0.0.1:49152/callback?{QUERY}&iss=https%3A%2F%2Fas.example%2F&session_state=4%2f0");
    for whole in [
        URL,
        &long,
        QUERY,
        &format!("?{QUERY}"),
        &format!("/callback#{QUERY}"),
    ] {
        let PasteContent::Answer(expected) = read(whole) else {
            panic!("{whole}")
        };
        for at in 0..=whole.len() {
            let (front, back) = whole.split_at(at);
            for indentation in INDENTATIONS {
                check(&format!("{front}\n{indentation}{back}"), &expected.query);
            }
            for end in ["\r\n", "\r", "\\\n", "  \n"] {
                check(&format!("{front}{end}    {back}"), &expected.query);
            }
            check(
                &format!("\u{1b}[200~'{front}\n    {back}'\u{1b}[201~\n"),
                &expected.query,
            );
        }
    }
}

#[test]
fn p2_an_address_cut_many_times_is_put_together() {
    for width in 1..=URL.len() {
        for indentation in INDENTATIONS {
            let lines: Vec<_> = URL
                .as_bytes()
                .chunks(width)
                .map(|line| String::from_utf8_lossy(line))
                .collect();
            check(&lines.join(&format!("\n{indentation}")), QUERY);
        }
    }
}

#[test]
fn l11_a_line_before_an_answer_hides_no_repetition() {
    for before in ["hello", "a/b", "http", "\u{ec9e}w#J;x", "two words\nthree"] {
        for twice in [
            "code=a&code=b&state=s",
            "state=x&code=a&state=s",
            "error=a&iss=x&error=b&state=s",
        ] {
            check(&format!("{before}\n{twice}"), twice);
        }
    }
    check(
        &format!("hello\n{QUERY}&session_state=7"),
        &format!("{QUERY}&session_state=7"),
    );
    let cut = "session_state=7&code=a&state=s";
    check(&cut.replace('_', "_\n"), cut);
}

#[test]
fn p2_of_several_answers_the_last_counts() {
    let other = "http://127.0.0.1:1/callback?code=old&state=old";
    for between in [
        "\n",
        "\n\n",
        " ",
        "\n> ",
        "\nno, this:\n",
        "\r\n",
        "",
        " | ",
        "\",\"",
    ] {
        check(&format!("{other}{between}{URL}"), QUERY);
    }
    check(&format!("code=old&state=old\n{QUERY}"), QUERY);
    check(&format!("?code=old&state=old\n?{QUERY}"), QUERY);
    check(
        &format!("/callback?code=old&state=old\n/callback?{QUERY}"),
        QUERY,
    );
    check(&format!("{other}=\n{URL}"), QUERY);
    check(&format!("{SIGN_IN}\n{URL}"), QUERY);
    check(&format!("{URL}\n{SIGN_IN}"), QUERY);
    for at in 0..=URL.len() {
        check(
            &format!(
                "{}\n{}\n{}\n{}",
                &other[..30],
                &other[30..],
                &URL[..at],
                &URL[at..]
            ),
            QUERY,
        );
    }
}

#[test]
fn p2_an_issuer_that_is_not_encoded_stays_a_parameter() {
    let query = format!("{QUERY}&iss=https://as.example/a?code=1");
    check(&format!("http://127.0.0.1:1/callback?{query}"), &query);
    check(
        &format!("http://127.0.0.1:1/callback?{QUERY}&iss=\nhttps://as.example/a?code=1"),
        &query,
    );
    check(
        &format!("http://127.0.0.1:1/callback?iss=https://as.example&{QUERY}"),
        &format!("iss=https://as.example&{QUERY}"),
    );
}

#[test]
fn p3_the_markers_of_a_bracketed_paste_are_removed() {
    for text in [
        "\u{1b}[200~URL\u{1b}[201~",
        "\u{1b}[200~URL",
        "URL\u{1b}[201~",
        "\u{1b}[200~\u{1b}[200~URL\u{1b}[201~\u{1b}[201~",
        "\u{1b}[200~URL\n\u{1b}[201~\n",
        "\u{9b}200~URL\u{9b}201~",
        "[200~URL[201~",
        "^[[200~URL^[[201~",
        "200~URL",
        "00~URL",
        "0~URL",
        "~URL",
        "\u{1b}[200URL",
        "\u{1b}[20URL",
        "\u{1b}[2URL",
        "\u{1b}[URL",
        "\u{1b}URL",
        "URL\u{1b}[201",
        "URL\u{1b}[20",
        "URL\u{1b}[2",
        "URL\u{1b}[",
        "URL\u{1b}",
        "\u{1b}[20?QUERY",
        "\u{1b}[?QUERY",
        "\u{1b}[20#QUERY",
        "\u{1b}[QUERY",
        "\u{1b}[2/callback?QUERY",
        "\u{1b}[20\u{1b}[200~URL",
        "\u{1b}[200~0~URL",
        "\u{1b}[200~\n  URL\u{1b}[201~",
    ] {
        check_legal(text);
    }
}

#[test]
fn p3_other_terminal_sequences_are_removed() {
    for text in [
        "\u{1b}[AURL",
        "URL\u{1b}[D\u{1b}[C",
        "\u{1b}[IURL\u{1b}[O",
        "\u{1b}[1;32mURL\u{1b}[0m",
        "\u{1b}[12;40RURL",
        "\u{1b}]11;rgb:0000/0000/0000\u{1b}\\URL",
        "\u{1b}]8;;http://x.example\u{7}URL\u{1b}]8;;\u{7}",
        "\u{1b}(BURL\u{1b}7",
        "\u{1b}P>|term\u{1b}\\URL",
        "\0URL\0",
        "\u{7}URL\u{7f}",
    ] {
        check_legal(text);
    }
    let (front, back) = URL.split_at(40);
    for inside in [
        "\u{1b}[0m",
        "\u{200b}",
        "\u{200d}",
        "\u{feff}",
        "\u{ad}",
        "\u{2060}",
        "\u{202a}",
        "\0",
        "\u{1b}7",
        "\u{1b}[K\n",
    ] {
        check(&format!("{front}{inside}{back}"), QUERY);
    }
}

#[test]
fn p4_parts_of_the_address_are_enough() {
    for text in [
        "URL",
        "QUERY",
        "?QUERY",
        "#QUERY",
        "/callback?QUERY",
        "/callback#QUERY",
        "callback?QUERY",
        "/?QUERY",
        "/#QUERY",
        "localhost:49152/callback?QUERY",
        "127.0.0.1:49152/callback?QUERY",
        "[::1]:49152/callback?QUERY",
        "://127.0.0.1:49152/callback?QUERY",
        "p://127.0.0.1/callback?QUERY",
        "//127.0.0.1/callback?QUERY",
        "http://127.0.0.1:49152/callback#QUERY",
        "http://127.0.0.1:49152/callback?x=y#QUERY",
        "http://127.0.0.1:49152/?#QUERY",
        "http://127.0.0.1:49152/callback?QUERY#_=_",
        "http://127.0.0.1:49152/callback?QUERY#",
        "HTTP://LOCALHOST/?QUERY",
        "https://localhost/callback?QUERY",
        "http://[::1]:1/callback?QUERY",
        "app://callback?QUERY",
        "http://h:99999/?QUERY",
        "?QUERY#top",
        "https://mcp.example/callback?QUERY#error",
        "http://127.0.0.1:49152?QUERY",
    ] {
        check_legal(text);
    }
}

#[test]
fn p4_parameters_stay_as_they_came() {
    for query in [
        "state=s&code=c",
        "state=s&code=c&iss=https%3A%2F%2Fas.example",
        "error=access_denied&state=s",
        "error=access_denied&error_description=The+user%20said+no%21&state=s",
        "code=&state=",
        "code=a&code=b&state=s",
        "code=user%3Agrant%3Asecret&state=s",
        "code=4/0AX4XfWh&scope=a%20b&state=s",
        "%63ode=c&state=s",
        "code=%zz&state=%",
        "code=caf\u{e9}&state=s",
        "a&b&code=c&&=&state=s&",
        "code=(a)&state=[b]",
        "code=a;state=b",
        "code=c",
        "error=e",
        "code=a==&state=b==",
        "code=a+b&state=c|d",
        "code=c&state=s&amp=1",
        "code=c&client_id=x&redirect_uri=y",
        "iss=https://as.example/&code=c&state=s",
    ] {
        check(query, query);
        check(&format!("?{query}"), query);
        check(&format!("http://127.0.0.1:1/callback?{query}"), query);
        check(&format!("http://127.0.0.1:1/callback#{query}"), query);
    }
}

#[test]
fn p4_escapes_of_other_places_are_undone() {
    let query = "code=c&state=s&iss=i";
    check(
        "http://127.0.0.1:1/callback?code=c&amp;state=s&amp;iss=i",
        query,
    );
    check("code=c&amp;state=s&amp;iss=i", query);
    check("<a href=\"/callback?code=c&amp;state=s&amp;iss=i\">", query);
    check("state=s&amp;code=c", "state=s&code=c");
    check(
        r"http://127.0.0.1:1/callback\?code\=c\&state\=s\&iss\=i",
        query,
    );
    check(
        r#"{"url":"http:\/\/127.0.0.1:1\/callback?code=c\u0026state=s\u0026iss=i"}"#,
        query,
    );
}

#[test]
fn p7_the_location_is_known_for_whole_urls_only() {
    check_place(URL, Some("http://127.0.0.1:49152/callback"));
    check_place("HTTPS://Host.Example?code=c", Some("https://host.example/"));
    check_place("(http://[::1]:1/#code=c)", Some("http://[::1]:1/"));
    check_place("see app://cb/x?code=c", Some("app://cb/x"));
    check_place(
        "http://\n 127.0.0.1:1/c\nallback?code=c&state=s",
        Some("http://127.0.0.1:1/callback"),
    );
    check_place(
        "http://evil.example@127.0.0.1/?code=c",
        Some("http://evil.example@127.0.0.1/"),
    );
    for text in [
        QUERY,
        "/callback?code=c",
        "localhost:1/callback?code=c",
        "http://h:99999/?code=c",
        "abc#xyz",
        "?code=c&iss=http://x",
    ] {
        check_place(text, None);
    }
}

#[test]
fn p5_code_and_state_as_shown_by_a_page() {
    check("abc#xyz", "code=abc&state=xyz");
    check("  \"abc#xyz\"\n", "code=abc&state=xyz");
    check("aB3-_.~#x+y=", "code=aB3-_.%7E&state=x%2By%3D");
    check(
        "abcdefghijklmnop\nqrstuvw#xy\n  z",
        "code=abcdefghijklmnopqrstuvw&state=xyz",
    );
}

#[test]
fn p5_a_bare_code_is_not_enough() {
    for text in [
        "SplxlOBeZQQYbYS6WxSbIA",
        "'SplxlOBeZQQYbYS6WxSbIA'",
        "4/0AX4XfWhQ",
        "4%2F0AX4XfWh",
        "user:grant:secret123",
        "abc123",
        "eyJhbGciOiJIUzI1NiJ9.e30.abc",
        "Splxl\nOBeZQQYbY\n  S6WxSbIA",
        "0123456789abcdef",
        "\u{1b}[200~SplxlOBeZQQYbYS6WxSbIA\u{1b}[201~",
        "abcdefghijklmnopqrst",
        "aGVsbG8gd29ybGQx==",
    ] {
        check_illegal(text, PasteMistake::BareCode);
    }
}

#[test]
fn p8_the_sign_in_page_is_known() {
    for text in [
        SIGN_IN,
        &format!("<{SIGN_IN}>"),
        &format!("open {SIGN_IN} now"),
        &format!("{}\n  {}", &SIGN_IN[..60], &SIGN_IN[60..]),
        "https://as.example/?client_id=c&redirect_uri=http://127.0.0.1:1/callback&state=s",
        "https://as.example/?client_id=c&response_type=code",
        "?code_challenge=x&state=s",
        "/authorize?code_challenge=x&code=c",
        "https://as.example/#client_id=c&response_type=code",
        "client_id=c&amp;state=s&amp;response_type=code",
        r"https://as.example/authorize\?client_id\=c\&response_type\=code",
    ] {
        check_illegal(text, PasteMistake::SignInPage);
    }
}

#[test]
fn p13_text_without_a_response_is_reported() {
    for text in [
        "hello",
        "yes",
        "q",
        "help me",
        "what now?",
        "cancel",
        "=",
        "&",
        "?",
        "#",
        "##",
        "a#",
        "#a",
        "://",
        "http://",
        "https://?#",
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:1/callback?",
        "http://127.0.0.1:1/callback#",
        "/callback",
        "/callback#x",
        "localhost:1234/callback",
        "127.0.0.1:1234/callback",
        "http://127.0.0.1:1/callback?state=s",
        "?state=s&iss=i",
        "state=s",
        "http://127.0.0.1:1/callback?Code=c&State=s",
        "?CODE=c",
        "?code[]=c",
        "?code",
        "code",
        "error",
        "?code&state=s",
        "?error&x=y",
        "?xcode=c",
        "?code_=c",
        "?response=code%3Dc",
        "code: SplxlOBeZQQYbYS6WxSbIA",
        "my code is SplxlOBeZQQYbYS6WxSbIA",
        "a#b#c",
        "a b#c",
        "http://x.example/abc#xyz",
        "/abc#xyz",
        "https://mcp.example/mcp",
        "https://as.example/login?return_to=%2Fauthorize%3Fcode%3D",
        "{\"code\":\"c\",\"state\":\"s\"}",
        "\u{fffd}\u{fffd}",
        "caf\u{e9}#x",
        "{}",
        "()",
        "....",
        "$ ls",
        "1234",
        "abc12",
        "?client_id=c",
        "http://127.0.0.1:1/callback&code=c&state=s",
        "client_id=c&scope=x",
        "\\",
        "(((((((((",
        "&amp;state=s",
        "-----BEGIN CODE-----",
        "<>x",
        "code =c",
    ] {
        let expected = if words(&clean(text.replace('\\', "").as_bytes()))
            .next()
            .is_none()
        {
            PasteContent::Empty
        } else {
            PasteContent::NotAnAnswer(PasteMistake::Unreadable)
        };
        assert_eq!(read(text), expected, "{text:?}");
    }
}

#[test]
fn p1_blank_text_is_empty() {
    for text in [
        "",
        " ",
        "\n\r\n",
        "\t",
        "\"\"",
        "<>",
        "''",
        "\u{a0}\u{200b}\u{feff}",
        "\u{1b}[200~\u{1b}[201~",
        "\u{1b}",
        "\0\0",
        "│ │",
        "\u{1b}[A",
    ] {
        assert_eq!(read(text), PasteContent::Empty, "{text:?}");
    }
}

#[test]
fn p12_long_answers_are_accepted_up_to_the_limit() {
    let front = "http://127.0.0.1:1/callback?state=s&code=";
    for length in [1_023, 1_024, 4_095, 4_096, 5_558, MAX_PASTE_BYTES] {
        let url = format!("{front}{}", "c".repeat(length - front.len()));
        check(&url, &url[front.len() - "state=s&code=".len()..]);
    }
    check_illegal(&"c".repeat(MAX_PASTE_BYTES + 1), PasteMistake::TooLong);
    check_illegal(&" ".repeat(MAX_PASTE_BYTES + 1), PasteMistake::TooLong);
}

#[test]
fn p13_garbage_is_read_in_linear_time() {
    for part in [
        "\0",
        "(",
        "http://",
        "(http://",
        "?code=a\n",
        "\n",
        "a\n",
        "http://a\n",
        "https://\n=",
        "\u{1b}",
        "\u{1b}[",
        "\u{1b}]",
        "&amp;state=",
        "&",
        "=",
        "a=http://",
        "&a=http://",
        "#",
        "?",
        "~",
        "0~",
        "[201~",
        "code=a ",
        "\u{9d}",
        "│",
        "*",
        "[200~ ",
        ">",
        "é",
    ] {
        let text = part.repeat(MAX_PASTE_BYTES / part.len());
        let _ = read(&format!("{text}\n\n{URL}"));
    }
}

#[test]
fn p13_bytes_that_are_not_text_are_handled() {
    let mut bytes = b"\xff\xfe\x80 ".to_vec();
    bytes.extend(URL.as_bytes());
    bytes.extend(b" \xc3\x28\xf0\x9f");
    check(&clean(&bytes), QUERY);
    assert_eq!(clean(b"a\r\nb\rc\nd\te\xc2\xa0f"), "a\nb\nc\nd e f");
    assert_eq!(clean(b"  \x1b[200~a b\x1b[201~\n"), "a b");
    assert_eq!(clean(b"\xff"), "\u{fffd}");
}

#[test]
fn sec5_debug_shows_no_code() {
    let shown = format!("{:?}", read(URL));
    assert!(
        shown.contains("127.0.0.1") && !shown.contains("Splx") && !shown.contains("af0"),
        "{shown}"
    );
}

#[test]
fn every_reason_is_a_sentence_for_the_error_line() {
    for why in [
        PasteMistake::SignInPage,
        PasteMistake::BareCode,
        PasteMistake::Unreadable,
        PasteMistake::TooLong,
    ] {
        assert!(
            why.reason().starts_with(char::is_lowercase) && !why.reason().ends_with('.'),
            "{why:?}"
        );
    }
}
