//! The demo's own user agent, for when no person can be asked: it does what a browser does, and agrees.

use std::time::Duration;

use anyhow::{ensure, Context as _};
use url::Url;

use crate::http::{Http, HttpSettings, Redirects};
use crate::os::sync::start_thread;
use crate::warning::warn_user;

/// Longest time of one of its requests. The last one is answered when the login is stored.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// The headers of a browser that opens a page.
const NAVIGATION: [(&str, &str); 3] = [
    ("Accept", "text/html"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Dest", "document"),
];

/// Opens the authorization page and agrees, on a thread of its own. It ends with its last request, or with the program; if
/// it fails the login runs into its deadline.
pub fn send(url: &str) {
    let url = url.to_owned();
    let warn = |err: anyhow::Error| {
        warn_user!(DemoFailed, "the demo could not agree by itself: {err:#}");
    };
    let agree = move || agree(&url).unwrap_or_else(warn);
    if let Err(err) = start_thread("agent", agree) {
        warn(err.into());
    }
}

fn agree(url: &str) -> anyhow::Result<()> {
    let url = Url::parse(url)?;
    let http = Http::new(
        &HttpSettings::default(),
        std::slice::from_ref(&url),
        REQUEST_LIMIT,
    );
    let page = http.get(
        &url,
        &[&NAVIGATION[..], &[("Sec-Fetch-Site", "none")]].concat(),
    )?;
    ensure!(
        page.status == 200,
        "the authorization page has status {}",
        page.status
    );
    let page = String::from_utf8(page.read()?)?;
    let field = page.split_once(r#"name="request" value=""#);
    let (request, _) = field
        .and_then(|(_, rest)| rest.split_once('"'))
        .context("the page holds no form")?;
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("request", request), ("answer", "allow")])
        .finish();
    let origin = url.origin().ascii_serialization();
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", origin.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    let sent = http.post(
        &url.join("/authorize")?,
        &[&NAVIGATION[..], &headers].concat(),
        form.as_bytes(),
        Redirects::Show,
    )?;
    let target = sent
        .header("location")
        .with_context(|| format!("the form was answered with {}", sent.status))?;
    let headers = [&NAVIGATION[..], &[("Sec-Fetch-Site", "same-site")]].concat();
    http.get(&url.join(target)?, &headers)?;
    Ok(())
}
