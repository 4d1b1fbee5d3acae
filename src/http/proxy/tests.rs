//! The variables that name proxies, as tables.

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

/// Returns the variable and the proxy that these settings give, written as `NAME=VALUE`, for a URL.
fn way(settings: &[&str], to: &str) -> String {
    let environment = |name: &str| {
        let set = settings
            .iter()
            .filter_map(|setting| setting.split_once('='));
        set.filter(|(set, _)| *set == name)
            .map(|(_, value)| OsString::from(value))
            .next()
    };
    let (chosen, _) = choose(&url(to), &environment);
    chosen.map_or("direct".to_owned(), |it| {
        format!("{} {}", it.variable, it.place())
    })
}

#[test]
fn p50_the_variable_of_the_scheme_wins() {
    let (https, http) = ("https://mcp.example/mcp", "http://mcp.example/mcp");
    for (settings, to, expected) in [
        (&[][..], https, "direct"),
        (
            &["HTTPS_PROXY=http://a:1", "ALL_PROXY=http://b:2"],
            https,
            "HTTPS_PROXY http://a:1",
        ),
        (
            &["ALL_PROXY=http://b:2", "https_proxy=http://a:1"],
            https,
            "https_proxy http://a:1",
        ),
        (
            &["HTTPS_PROXY=http://a:1", "https_proxy=http://b:2"],
            https,
            "https_proxy http://b:2",
        ),
        (
            &["ALL_PROXY=http://a:1", "all_proxy=http://b:2"],
            https,
            "all_proxy http://b:2",
        ),
        (
            &["ALL_PROXY=socks5h://a:1"],
            https,
            "ALL_PROXY socks5h://a:1",
        ),
        (&["HTTP_PROXY=http://a:1"], https, "direct"),
        (&["http_proxy=http://a:1"], https, "direct"),
        (&["HTTPS_PROXY=http://a:1"], http, "direct"),
        (&["http_proxy=http://a:1"], http, "http_proxy http://a:1"),
        (&["HTTP_PROXY=http://a:1"], http, "HTTP_PROXY http://a:1"),
        (
            &["HTTP_PROXY=http://a:1", "REQUEST_METHOD=GET"],
            http,
            "direct",
        ),
        (
            &["http_proxy=http://a:1", "REQUEST_METHOD=GET"],
            http,
            "http_proxy http://a:1",
        ),
        (
            &["HTTP_PROXY=http://a:1", "ALL_PROXY=http://b:2"],
            https,
            "ALL_PROXY http://b:2",
        ),
        (
            &["HTTPS_PROXY=", "ALL_PROXY=http://b:2"],
            https,
            "ALL_PROXY http://b:2",
        ),
        (
            &["HTTPS_PROXY= ", "ALL_PROXY=http://b:2"],
            https,
            "ALL_PROXY http://b:2",
        ),
        (
            &["HTTPS_PROXY=ftp://a:1", "ALL_PROXY=http://b:2"],
            https,
            "ALL_PROXY http://b:2",
        ),
        (&["HTTPS_PROXY=ftp://a:1"], https, "direct"),
        (
            &["HTTPS_PROXY=http://a:1"],
            "https://localhost/mcp",
            "direct",
        ),
        (
            &["HTTPS_PROXY=http://a:1"],
            "https://127.9.9.9/mcp",
            "direct",
        ),
        (&["HTTPS_PROXY=http://a:1"], "https://[::1]/mcp", "direct"),
        (
            &["HTTP_PROXY=http://a:1"],
            "http://as.localhost/mcp",
            "direct",
        ),
    ] {
        assert_eq!(way(settings, to), expected, "{settings:?} {to}");
    }
}

#[test]
fn p50_what_a_value_may_look_like() {
    for (value, expected) in [
        (
            "http://proxy.example:3128",
            Some("http://proxy.example:3128"),
        ),
        ("proxy.example:3128", Some("http://proxy.example:3128")),
        ("proxy.example", Some("http://proxy.example:80")),
        ("10.0.0.1:8080", Some("http://10.0.0.1:8080")),
        ("http://[fd00::1]:8080", Some("http://[fd00::1]:8080")),
        (
            "  http://proxy.example:3128\t",
            Some("http://proxy.example:3128"),
        ),
        (
            "\"http://proxy.example:3128\"",
            Some("http://proxy.example:3128"),
        ),
        (
            "' http://proxy.example:3128 '",
            Some("http://proxy.example:3128"),
        ),
        (
            "http://proxy.example:3128/",
            Some("http://proxy.example:3128"),
        ),
        (
            "http://proxy.example:3128/path?x",
            Some("http://proxy.example:3128"),
        ),
        (
            "HTTP://PROXY.example:3128",
            Some("http://proxy.example:3128"),
        ),
        ("https://proxy.example", Some("https://proxy.example:443")),
        (
            "socks5://ada:pw@proxy.example",
            Some("socks5://proxy.example:1080"),
        ),
        ("http://ada:pa@ss#w/rd@proxy.example:1", None),
        (
            "http://ada:p@ss@proxy.example:1",
            Some("http://proxy.example:1"),
        ),
        ("ada:p%40ss@proxy.example:1", Some("http://proxy.example:1")),
        ("", None),
        ("\"\"", None),
        ("http://", None),
        ("http://:8080", None),
        ("http://proxy.example:port", None),
        ("http://proxy.example:99999", None),
        ("gopher://proxy.example", None),
        ("http://two words:1", None),
    ] {
        let setting = format!("HTTPS_PROXY={value}");
        let expected = expected.map_or("direct".to_owned(), |place| format!("HTTPS_PROXY {place}"));
        assert_eq!(way(&[&setting], "https://mcp.example"), expected, "{value}");
    }
    let password = |value| read(value).and_then(|proxy| proxy.password().map(str::to_owned));
    for (value, expected) in [
        ("http://ada:p%40s%25s@proxy.example", "p@s%s"),
        ("http://ada:p@ss@proxy.example", "p@ss"),
        ("http://ada:p^s|s@proxy.example", "p^s|s"),
        ("socks5h://ada:pw@proxy.example", "pw"),
    ] {
        assert_eq!(password(value).as_deref(), Some(expected), "{value}");
    }
}

#[test]
fn p50_what_no_proxy_excepts() {
    for (list, to, expected) in [
        ("corp.example", "https://mcp.corp.example/mcp", true),
        ("corp.example", "https://corp.example", true),
        ("CORP.Example", "https://mcp.corp.example", true),
        (".corp.example", "https://mcp.corp.example", true),
        (".corp.example", "https://corp.example", true),
        ("*.corp.example", "https://mcp.corp.example", true),
        ("corp.example.", "https://mcp.corp.example", true),
        ("corp.example", "https://mcp.corp.example.", true),
        ("corp.example", "https://evilcorp.example", false),
        ("mcp.corp.example", "https://corp.example", false),
        ("corp", "https://mcp.corp.example", false),
        ("example", "https://mcp.corp.example", true),
        (
            "other.example , corp.example ",
            "https://mcp.corp.example",
            true,
        ),
        (
            "other.example corp.example",
            "https://mcp.corp.example",
            true,
        ),
        (
            "other.example,,\tcorp.example",
            "https://mcp.corp.example",
            true,
        ),
        (" ,\"corp.example\"", "https://mcp.corp.example", true),
        ("*", "https://mcp.corp.example", true),
        (" * ", "https://10.1.2.3", true),
        ("other.example,*", "https://mcp.corp.example", true),
        ("corp.example:443", "https://mcp.corp.example", true),
        ("corp.example:8443", "https://mcp.corp.example", false),
        ("corp.example:8443", "https://mcp.corp.example:8443", true),
        ("corp.example:80", "http://corp.example", true),
        ("10.0.0.0/8", "https://10.1.2.3", true),
        ("10.0.0.0/8", "https://11.1.2.3", false),
        ("10.1.2.3/8", "https://10.9.9.9", true),
        ("10.1.2.0/23", "https://10.1.3.255", true),
        ("10.1.2.0/23", "https://10.1.4.0", false),
        ("0.0.0.0/0", "https://93.184.216.34", true),
        ("0.0.0.0/0", "https://[2001:db8::1]", false),
        ("10.0.0.0/8", "https://[::ffff:10.1.2.3]", true),
        ("10.1.2.3", "https://10.1.2.3", true),
        ("10.1.2.3", "https://10.1.2.30", false),
        ("10.1.2.3:443", "https://10.1.2.3", true),
        ("10.1.2.3:8443", "https://10.1.2.3", false),
        ("10.0.0.0/8", "https://mcp.corp.example", false),
        ("fd00::/8", "https://[fd12::1]", true),
        ("fd00::/8", "https://[fe80::1]", false),
        ("fd12::1", "https://[fd12:0::1]", true),
        ("[fd12::1]:443", "https://[fd12::1]", true),
        ("[fd12::1]:8443", "https://[fd12::1]", false),
        ("[fd12::1]", "https://[fd12::1]", true),
        ("b\u{fc}cher.example", "https://xn--bcher-kva.example", true),
        ("mcp.corp.example/24", "https://mcp.corp.example", false),
        ("10.0.0.0/33", "https://10.0.0.0", false),
        ("", "https://mcp.corp.example", false),
    ] {
        assert_eq!(is_excepted(&url(to), list), expected, "{list:?} {to}");
    }
    for (lower, upper, expected) in [
        ("", "mcp.example", "direct"),
        ("other.example", "mcp.example", "through"),
    ] {
        let settings = [
            format!("no_proxy={lower}"),
            format!("NO_PROXY={upper}"),
            "ALL_PROXY=http://a:1".to_owned(),
        ];
        let settings: Vec<_> = settings.iter().map(String::as_str).collect();
        assert_eq!(
            way(&settings, "https://mcp.example") == "direct",
            expected == "direct",
            "{lower} {upper}"
        );
    }
}

#[test]
fn p50_an_invalid_proxy_is_reported_only_where_it_is_used() {
    let list = "corp.example, http://x.example,10.0.0.0/99 192.168. foo*,a:b,*,[::1]:1,10.0.0.0/8,a..b,u:pw@x.example";
    let list = format!("NO_PROXY={list}");
    let environment = |settings: &[&str]| {
        let settings: Vec<_> = settings
            .iter()
            .filter_map(|it| it.split_once('='))
            .map(own)
            .collect();
        move |name: &str| {
            settings
                .iter()
                .find(|(set, _)| set == name)
                .map(|(_, value)| OsString::from(value))
        }
    };
    let said = |settings: &[&str], to: &str| choose(&url(to), &environment(settings)).1.join("\n");
    let all = said(&["HTTPS_PROXY=http://a:1", &list], "https://mcp.example");
    for entry in ["http://x.example", "10.0.0.0/99", "192.168.", "foo*", "a:b"] {
        assert!(
            all.contains(&format!("the entry {entry} of NO_PROXY cannot")),
            "{entry}: {all}"
        );
    }
    assert!(
        all.contains("an entry of NO_PROXY cannot") && !all.contains("pw@"),
        "{all}"
    );
    assert_eq!(all.lines().count(), 6, "{all}");
    assert_eq!(
        said(&[&list], "https://mcp.example"),
        "",
        "without a proxy there are no exceptions"
    );
    assert_eq!(
        said(&["HTTPS_PROXY=http://a:1", &list], "https://127.0.0.1"),
        ""
    );
    let twice = said(
        &[
            "HTTPS_PROXY=ftp://a:c4nary@b",
            "ALL_PROXY=:",
            "HTTP_PROXY=:",
        ],
        "https://mcp.example",
    );
    assert!(
        twice.contains("HTTPS_PROXY does not") && twice.contains("\nALL_PROXY does not"),
        "{twice}"
    );
    assert_eq!(twice.lines().count(), 2, "{twice}");
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

proptest::proptest! {
    #[test]
    fn p50_any_text_is_read_and_names_end_at_dots(text in "\\PC{0,40}", list in "[a-z0-9.:/*, \\[\\]@-]{0,60}", name in "[a-z]{1,8}") {
        let _ = (read(&text), NoProxyEntry::read(&text), is_excepted(&url("https://mcp.example"), &list));
        let longer = format!("https://x{name}.example/");
        let (shorter, same) = (format!("{name}.example"), format!("x{name}.example"));
        proptest::prop_assert!(!is_excepted(&url(&longer), &shorter));
        proptest::prop_assert!(is_excepted(&url(&longer.replace("://", "://a.")), &same));
    }
}
