//! Which addresses are allowed in a URL.

use super::*;

#[test]
fn v11_an_address_in_a_url_lies_in_a_region_of_what_was_typed() {
    for (typed, allowed, refused) in [
        (
            "https://93.184.216.34",
            &["https://8.8.8.8", "https://as.example"][..],
            &["192.168.1.1", "127.0.0.1"][..],
        ),
        (
            "https://192.168.7.7",
            &["https://10.1.1.1/token", "https://[fd00::1]"],
            &["169.254.169.254", "127.0.0.1"],
        ),
        (
            "https://169.254.1.1",
            &["https://169.254.1.1/token"],
            &["169.254.169.254", "[::ffff:169.254.169.254]"],
        ),
        (
            "https://169.254.1.1",
            &[],
            &["[fe80::1]", "10.1.1.1", "[64:ff9b::a00:1]"],
        ),
        (
            "https://[fe80::1]",
            &["https://[fe80::1]:444/"],
            &["[fe80::2]", "169.254.1.1"],
        ),
        (
            "http://localhost:1",
            &["http://127.0.0.1:2", "http://127.0.0.9:2"],
            &["10.1.1.1", "[64:ff9b::a9fe:a9fe]"],
        ),
    ] {
        let typed = Url::parse(typed).expect("a URL");
        let http = Http::new(
            &HttpSettings::default(),
            std::slice::from_ref(&typed),
            CONNECT_LIMIT,
        );
        let check = |url: &str| http.check_address(&Url::parse(url).expect("a URL"));
        for url in allowed {
            assert_eq!(check(url), Ok(()), "{typed} {url}");
        }
        for host in refused {
            let result = check(&format!("https://{host}/token"));
            assert!(
                matches!(result, Err(UrlError::Address(_))),
                "{typed} {host}"
            );
        }
    }
}
