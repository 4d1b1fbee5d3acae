//! The device authorization grant: the response of the device authorization endpoint, and when to poll for the tokens.
//!
//! Spec: RFC 8628.

mod response;

pub use response::{DeviceResponse, DeviceResponseError};

use core::time::Duration;

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
    /// The user or the server refused; some servers say so of a code that they do not know.
    Denied(ErrorResponse),
    /// The code has expired.
    Expired,
    /// The code is not known, or not any more.
    Unknown(ErrorResponse),
    /// The server refuses the request for another reason: the same one will be refused again.
    Refused(ErrorResponse),
    /// There is no answer of the server now.
    Busy {
        /// The server may have issued tokens that a gateway has lost.
        may_be_lost: bool,
    },
    /// It is something else.
    Unusable(TokenResponseError),
}

impl PollResponse {
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
            "access_denied" => return Self::Denied(words),
            "expired_token" => return Self::Expired,
            "invalid_grant" => return Self::Unknown(words),
            _ => {}
        }
        match response {
            TokenResponse::Tokens(tokens) => Self::Tokens(tokens),
            TokenResponse::Refused(words) => Self::Refused(words),
            TokenResponse::Busy(_) => Self::Busy {
                may_be_lost: matches!(status, 500 | 502 | 504),
            },
            // A page of a gateway, in place of the answer.
            TokenResponse::Unusable(TokenResponseError::NotTokens) => {
                Self::Busy { may_be_lost: true }
            }
            TokenResponse::Unusable(why) => Self::Unusable(why),
        }
    }
}

/// Why no tokens will come for a device code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceEnd {
    /// The user or the server refused.
    Denied(ErrorResponse),
    /// The code has expired.
    Expired,
    /// The answer to an earlier poll was lost, and the code is used up.
    Lost,
    /// The server refuses the code or the request.
    Refused(ErrorResponse),
    /// The response cannot be used.
    Unusable(TokenResponseError),
}

/// What follows a poll.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The login goes on with these tokens.
    Tokens(Tokens),
    /// The next poll, so long after the end of this one.
    PollAfter(Duration),
    /// Nothing: the login has failed.
    End(DeviceEnd),
}

/// When to poll: as often as the server wants, and more slowly while it does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polling {
    interval: Duration,
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
            unanswered: 0,
            is_lost: false,
        }
    }

    /// Returns the pause before the next poll.
    pub fn pause(&self) -> Duration {
        let factor = 2_u32.saturating_pow(self.unanswered);
        let slowed = self.interval.saturating_mul(factor);
        slowed.min(MAX_PAUSE.max(self.interval))
    }

    /// Decides what follows a response. The server wants no request before `retry_after` has passed; `is_expired` is what our
    /// own clock says of the code, and counts more than the words in which a server says no.
    ///
    /// Spec: RFC 8628 section 3.5.
    pub fn after(
        &mut self,
        response: PollResponse,
        retry_after: Option<Duration>,
        is_expired: bool,
    ) -> Next {
        let end = match response {
            PollResponse::Tokens(tokens) => return Next::Tokens(tokens),
            PollResponse::Pending => {
                self.answered();
                return self.poll(retry_after);
            }
            PollResponse::SlowDown(wanted) => {
                self.answered();
                let slower = self.interval.saturating_add(SLOWER);
                self.interval = wanted.map_or(slower, |wanted| wanted.max(slower));
                return self.poll(retry_after);
            }
            PollResponse::Busy { may_be_lost } => {
                self.is_lost |= may_be_lost;
                if retry_after.is_none() {
                    self.interval = self.interval.saturating_add(SLOWER);
                }
                return self.poll(retry_after);
            }
            _ if is_expired => DeviceEnd::Expired,
            PollResponse::Expired => DeviceEnd::Expired,
            // The server refuses a code that an earlier poll has used up.
            PollResponse::Denied(_) | PollResponse::Unknown(_) if self.is_lost => DeviceEnd::Lost,
            PollResponse::Denied(words) => DeviceEnd::Denied(words),
            PollResponse::Unknown(words) | PollResponse::Refused(words) => {
                DeviceEnd::Refused(words)
            }
            PollResponse::Unusable(why) => DeviceEnd::Unusable(why),
        };
        Next::End(end)
    }

    /// Notes a poll without a response, which the server may have received; returns the pause before the next one.
    ///
    /// Spec: RFC 8628 section 3.5: a client has to poll more slowly after a connection timeout.
    pub fn unanswered(&mut self, was_sent: bool) -> Duration {
        self.is_lost |= was_sent;
        self.unanswered = self.unanswered.saturating_add(1);
        self.pause()
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

    fn poll(&self, retry_after: Option<Duration>) -> Next {
        Next::PollAfter(self.pause().max(retry_after.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
