//! The response of a device authorization endpoint.

use core::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::oauth::body;
use crate::oauth::endpoint::{self, UrlError};
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;

/// The interval of a server that names none.
///
/// Spec: RFC 8628 section 3.2.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// The longest interval: one beyond it, such as one in milliseconds, counts as none, for its code would expire unasked.
const MAX_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// The shortest interval: a server that names a shorter one is not polled without a pause.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The longest lifetime of a code, which is also that of one without a usable lifetime.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The longest user code, in characters.
const MAX_USER_CODE: usize = 64;

/// What the user needs in order to agree, and what the tokens are polled with.
///
/// Spec: RFC 8628 section 3.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceResponse {
    /// The code that the tokens are polled with.
    pub device_code: Secret,
    /// The code that the user enters, as the server sent it.
    pub user_code: String,
    /// The page where the user enters it.
    pub verification_uri: String,
    /// The same page with the code in its URL, at the same origin.
    pub verification_uri_complete: Option<String>,
    /// How long the codes are valid, 30 minutes at most.
    pub lifetime: Duration,
    /// The shortest pause between two polls.
    pub interval: Duration,
}

/// Why the response of a device authorization endpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceResponseError {
    /// It is not a JSON object, nor a form where those are known.
    #[error("it is not a JSON object")]
    NotJson,
    /// It holds a member twice.
    #[error("it holds a member twice")]
    Doubled,
    /// It lacks a member that a login needs.
    #[error("it holds no {0}")]
    Missing(&'static str),
    /// The user code cannot be shown as it is.
    #[error("its user code cannot be shown")]
    UserCode,
    /// The URL of the page breaks the rules for URLs.
    #[error("the page that it names cannot be opened: {0}")]
    Uri(UrlError),
}

impl DeviceResponse {
    /// Reads a response; `is_form` says that this provider may send a form in place of JSON, and `check` reads the URL of a page
    /// that may be opened.
    ///
    /// Real servers need this leniency: numbers as text, no interval, no lifetime.
    ///
    /// # Errors
    ///
    /// A [`DeviceResponseError`], which holds no code.
    pub fn read(
        body: &[u8],
        is_form: bool,
        check: impl Fn(&str) -> Result<Url, UrlError>,
    ) -> Result<Self, DeviceResponseError> {
        let of_form: &[_] = match is_form {
            true => &["device_code", "error"],
            false => &[],
        };
        let document = body::members::<DeviceDocument>(body, of_form)
            .ok_or(DeviceResponseError::NotJson)?
            .map_err(|()| DeviceResponseError::Doubled)?;
        let text = |value: Value| match value {
            Value::String(text) => Some(text).filter(|text| !text.is_empty()),
            _ => None,
        };
        let missing = DeviceResponseError::Missing;
        let device_code = text(document.device_code).ok_or(missing("device_code"))?;
        let user_code = text(document.user_code).ok_or(missing("user_code"))?;
        if user_code.chars().count() > MAX_USER_CODE || printable(&user_code) != user_code {
            return Err(DeviceResponseError::UserCode);
        }
        let uri = text(document.verification_uri).or_else(|| text(document.verification_url));
        let uri = uri.ok_or(missing("verification_uri"))?;
        let page = check(&uri).map_err(DeviceResponseError::Uri)?;
        let complete = text(document.verification_uri_complete)
            .or_else(|| text(document.verification_url_complete))
            .filter(|complete| is_at(&page, complete));
        Ok(Self {
            device_code: Secret::new(device_code),
            user_code,
            verification_uri: uri,
            verification_uri_complete: complete,
            lifetime: match seconds(&document.expires_in) {
                Some(lifetime) => lifetime.min(MAX_LIFETIME),
                None => MAX_LIFETIME,
            },
            interval: match seconds(&document.interval) {
                Some(interval) if interval <= MAX_INTERVAL => interval.max(MIN_INTERVAL),
                _ => DEFAULT_INTERVAL,
            },
        })
    }
}

/// Tells whether a page may be opened in place of `page`: a URL at the same origin.
fn is_at(page: &Url, raw: &str) -> bool {
    let is_same = endpoint::parse_page(raw).is_ok_and(|url| url.origin() == page.origin());
    if !is_same {
        log::info!("the complete verification URI is not at the origin of the verification URI; it is ignored");
    }
    is_same
}

/// Returns the interval that a response names, if no more than [`MAX_INTERVAL`].
pub(super) fn interval(body: &[u8]) -> Option<Duration> {
    let document = body::members::<DeviceDocument>(body, &["device_code", "error"])?;
    seconds(&document.ok()?.interval).filter(|it| *it <= MAX_INTERVAL)
}

/// Returns a length of time in seconds, written as a number or as text; `None` if it is neither. Less than zero is zero.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = body::number(value).filter(|seconds| !seconds.is_nan())?;
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}

/// The members of the response, of any type. Reading it fails where one of them is doubled.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DeviceDocument {
    device_code: Value,
    user_code: Value,
    verification_uri: Value,
    verification_uri_complete: Value,
    // Deviates: Google's names for the two; others send both.
    verification_url: Value,
    verification_url_complete: Value,
    expires_in: Value,
    interval: Value,
}
