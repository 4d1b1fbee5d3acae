//! The trace of a discovery: its requests, and what it decided from each response.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use url::Url;

use super::probe::Probe;
use super::FetchError;
use crate::http::Response;
use crate::oauth::endpoint;
use crate::oauth::metadata::{AuthorizationServer, ResourceMetadata};
use crate::oauth::text::{printable, printable_list};
use crate::os::clock::Time;
use crate::os::sync::lock;

/// Most servers or scopes that a decision names.
const MAX_LISTED: usize = 20;

/// One request of a discovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The URL of the request.
    pub url: String,
    /// The status code; `None` without a response.
    pub status: Option<u16>,
    /// What was decided, and why.
    pub decided: String,
    /// By how many seconds the server's clock is ahead of ours, if the response has a `Date`.
    #[serde(skip)]
    pub clock_ahead: Option<i64>,
}

/// The trace of one discovery.
#[derive(Debug, Default)]
pub struct Trace(Mutex<Vec<Step>>);

impl Trace {
    /// Returns the steps in the order of their decisions; last come the documents that were fetched ahead and not needed.
    pub fn into_list(self) -> Vec<Step> {
        let mut steps = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        steps.sort_by_key(|step| step.decided.is_empty());
        for step in steps.iter_mut().filter(|step| step.decided.is_empty()) {
            let left = if step.status.is_some() {
                "fetched in advance, not needed"
            } else {
                "no answer"
            };
            step.decided = left.to_owned();
        }
        steps
    }

    /// Records a request and its response.
    pub(super) fn asked(&self, url: &Url, answer: Option<&Response>) {
        let date = answer.and_then(|answer| Time::parse_http_date(answer.header("date")?));
        self.steps().push(Step {
            url: endpoint::canonical(url),
            status: answer.map(|answer| answer.status),
            decided: String::new(),
            clock_ahead: date.map(Time::seconds_left),
        });
    }

    /// Records a decision, with the last response from this URL if there is one.
    pub(super) fn decided(&self, url: &Url, what: &str) {
        let mut steps = self.steps();
        let url = endpoint::canonical(url);
        let mut step = match steps.iter().rposition(|step| step.url == url) {
            Some(at) => steps.remove(at),
            None => Step {
                url,
                status: None,
                decided: String::new(),
                clock_ahead: None,
            },
        };
        if !step.decided.is_empty() {
            step.decided.push_str("; ");
        }
        step.decided.push_str(what);
        steps.push(step);
    }

    fn steps(&self) -> MutexGuard<'_, Vec<Step>> {
        lock(&self.0)
    }
}

/// Describes the response to the probe.
pub(super) fn describe_probe(probe: &Probe) -> String {
    let Some(challenge) = &probe.challenge else {
        return match probe.status {
            _ if probe.is_protected() => {
                "the server wants a login, but names no metadata".to_owned()
            }
            _ if probe.is_open() => "the server answers without a login".to_owned(),
            404 => "not found; check the URL".to_owned(),
            _ => "the response says nothing about a login".to_owned(),
        };
    };
    let named = challenge.resource_metadata.as_deref().map(printable);
    let named = named.map_or("no metadata".to_owned(), |url| format!("metadata at {url}"));
    format!(
        "the server wants a login: its challenge names {named}{}",
        list_scopes(" and", &challenge.scopes)
    )
}

/// Describes the metadata of a protected resource.
pub(super) fn describe_resource(read: &Result<ResourceMetadata, FetchError>) -> String {
    match read {
        Ok(found) => {
            let servers = match found.authorization_servers.as_slice() {
                [] => "none".to_owned(),
                servers => printable_list(servers, ", ", MAX_LISTED),
            };
            let scopes = list_scopes(";", &found.scopes);
            format!(
                "metadata of {}; authorization server: {servers}{scopes}",
                printable(&found.resource)
            )
        }
        Err(why) => describe_error(why),
    }
}

/// Describes the metadata of an authorization server.
pub(super) fn describe_server(read: &Result<AuthorizationServer, FetchError>) -> String {
    match read {
        Ok(found) => format!(
            "metadata of the issuer {}, as expected",
            printable(&found.issuer)
        ),
        Err(why) => describe_error(why),
    }
}

fn describe_error(why: &FetchError) -> String {
    match why {
        // The step has the status.
        FetchError::Status(_) => "no metadata".to_owned(),
        FetchError::Metadata(why) if why.is_security() => format!("refused: {why}"),
        other => other.to_string(),
    }
}

fn list_scopes(before: &str, scopes: &[String]) -> String {
    match scopes {
        [] => String::new(),
        scopes => format!(
            "{before} scopes {}",
            printable_list(scopes, " ", MAX_LISTED)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_in_the_order_of_their_decisions() {
        let steps = Trace::default();
        let [probe, ahead, document] = [
            "https://a.example/",
            "https://b.example/",
            "https://c.example/",
        ]
        .map(|url| Url::parse(url).expect("a URL"));
        for url in [&ahead, &document, &probe] {
            steps.asked(url, None);
        }
        steps.decided(&probe, "one");
        steps.decided(&document, "two");
        steps.decided(&document, "three");
        let shown: Vec<_> = steps
            .into_list()
            .into_iter()
            .map(|step| (step.url, step.decided))
            .collect();
        let expected = [
            (&probe, "one"),
            (&document, "two; three"),
            (&ahead, "no answer"),
        ];
        assert_eq!(
            shown,
            expected.map(|(url, decided)| (url.to_string(), decided.to_owned()))
        );
    }
}
