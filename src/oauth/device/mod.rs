//! The device authorization grant: the response of the device authorization endpoint, and when to poll for the tokens.
//!
//! Spec: RFC 8628.

mod response;

pub use response::{DeviceResponse, DeviceResponseError};

use core::time::Duration;

use super::secret::Secret;
use super::token::{TokenResponseError, TokenType, Tokens};
use super::token_endpoint::{self, ErrorResponse, TokenResponse};

/// The grant type of device codes.
///
/// Spec: RFC 8628 section 3.4.
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How much slower a server that asks for it is polled from then on.
///
/// Spec: RFC 8628 section 3.5, `slow_down`.
const SLOWER: Duration = Duration::from_secs(5);

/// The longest pause after requests without an answer, if the server wants no longer one.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What came of a poll.
#[derive(Debug, PartialEq, Eq)]
pub enum PollResponse {
    /// The tokens.
    Tokens(Tokens),
    /// The user has not decided yet.
    Pending,
    /// The server wants fewer polls, and perhaps names the interval.
    SlowDown(Option<Duration>),
    /// There is no answer of the server now.
    Busy {
        /// The server may have issued tokens that a gateway has lost.
        may_be_lost: bool,
    },
    /// No tokens will come.
    End(DeviceEnd),
}

/// Why no tokens will come for a device code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceEnd {
    /// The user or the server refused; some servers say so of a code that they do not know.
    Denied(ErrorResponse),
    /// The code has expired.
    Expired,
    /// The code is not known, or not any more.
    Unknown(ErrorResponse),
    /// The answer to an earlier poll was lost, and the code is used up.
    Lost,
    /// The server refuses the request for another reason: the same one will be refused again.
    Refused(ErrorResponse),
    /// The response cannot be used.
    Unusable(TokenResponseError),
}

impl PollResponse {
    /// Drops each part of an error response that quotes one of these secrets.
    pub fn drop_quotes_of(&mut self, secrets: &[Secret]) {
        use DeviceEnd::{Denied, Refused, Unknown};
        if let Self::End(Denied(words) | Unknown(words) | Refused(words)) = self {
            words.drop_quotes_of(secrets);
        }
    }

    /// Reads the response of a token endpoint to a poll. Its error code counts before its status, which is 400 by the standard,
    /// and 200, 403, 428 or 429 at providers. A DPoP token is accepted if the request had a proof. `standard` returns the code of
    /// the standard for one of a provider's own.
    ///
    /// Spec: RFC 8628 section 3.5; RFC 6749 section 5.2.
    pub fn read(
        status: u16,
        body: &[u8],
        with_proof: bool,
        standard: impl Fn(&str) -> Option<&'static str>,
    ) -> Self {
        let other_type = with_proof.then(|| TokenType::Dpop.as_str());
        let response = token_endpoint::classify_with(status, body, other_type);
        if let TokenResponse::Tokens(tokens) = response {
            return Self::Tokens(tokens);
        }
        let words = token_endpoint::error_words(body);
        let error = words.code();
        match standard(error).unwrap_or(error) {
            "authorization_pending" => return Self::Pending,
            "slow_down" => return Self::SlowDown(response::interval(body)),
            "access_denied" => return Self::End(DeviceEnd::Denied(words)),
            "expired_token" => return Self::End(DeviceEnd::Expired),
            "invalid_grant" => return Self::End(DeviceEnd::Unknown(words)),
            _ => {}
        }
        match response {
            TokenResponse::Tokens(tokens) => Self::Tokens(tokens),
            TokenResponse::Refused(words) => Self::End(DeviceEnd::Refused(words)),
            TokenResponse::Busy(_) => Self::Busy {
                may_be_lost: matches!(status, 500 | 502 | 504),
            },
            // A page of a gateway, in place of the answer.
            TokenResponse::Unusable(TokenResponseError::NotTokens) => {
                Self::Busy { may_be_lost: true }
            }
            TokenResponse::Unusable(why) => Self::End(DeviceEnd::Unusable(why)),
        }
    }
}

/// When to poll: as often as the server wants, and more slowly while it does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polling {
    interval: Duration,
    /// The pause that the last answer asks for.
    retry_after: Duration,
    /// The polls without an answer since the last one with an answer.
    unanswered: u32,
    /// The answer to a poll was lost after it was sent: the server may have used up the code for it.
    is_lost: bool,
}

impl Polling {
    /// Begins: the first poll comes after one interval.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            retry_after: Duration::ZERO,
            unanswered: 0,
            is_lost: false,
        }
    }

    /// Returns the pause between the last poll and the next one.
    pub fn pause(&self) -> Duration {
        let factor = 2_u32.saturating_pow(self.unanswered);
        let slowed = self.interval.saturating_mul(factor);
        let pause = slowed.min(MAX_PAUSE.max(self.interval));
        pause.max(self.retry_after)
    }

    /// Notes a response, and returns its tokens; `None` if another poll has to follow. The server wants no request before
    /// `retry_after` has passed; `is_expired` is what our own clock says of the code, and counts more than the words in which a
    /// server says no.
    ///
    /// # Errors
    ///
    /// Why no tokens will come.
    ///
    /// Spec: RFC 8628 section 3.5.
    pub fn after(
        &mut self,
        response: PollResponse,
        retry_after: Option<Duration>,
        is_expired: bool,
    ) -> Result<Option<Tokens>, DeviceEnd> {
        self.retry_after = retry_after.unwrap_or_default();
        match response {
            PollResponse::Tokens(tokens) => return Ok(Some(tokens)),
            PollResponse::Pending => self.answered(),
            PollResponse::SlowDown(wanted) => {
                self.answered();
                let slower = self.interval.saturating_add(SLOWER);
                self.interval = wanted.map_or(slower, |wanted| wanted.max(slower));
            }
            PollResponse::Busy { may_be_lost } => {
                self.is_lost |= may_be_lost;
                if retry_after.is_none() {
                    self.interval = self.interval.saturating_add(SLOWER);
                }
            }
            PollResponse::End(_) if is_expired => return Err(DeviceEnd::Expired),
            // The server refuses a code that an earlier poll has used up.
            PollResponse::End(DeviceEnd::Denied(_) | DeviceEnd::Unknown(_)) if self.is_lost => {
                return Err(DeviceEnd::Lost)
            }
            PollResponse::End(end) => return Err(end),
        }
        Ok(None)
    }

    /// Notes a poll without a response, which the server may have received.
    ///
    /// Spec: RFC 8628 section 3.5: a client has to poll more slowly after a connection timeout.
    pub fn unanswered(&mut self, was_sent: bool) {
        self.is_lost |= was_sent;
        self.retry_after = Duration::ZERO;
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// Tells whether the last poll was answered.
    pub fn is_answered(&self) -> bool {
        self.unanswered == 0
    }

    /// Notes that the server knows the code, and has issued no tokens for it.
    fn answered(&mut self) {
        self.unanswered = 0;
        self.is_lost = false;
    }
}

#[cfg(test)]
mod tests;
