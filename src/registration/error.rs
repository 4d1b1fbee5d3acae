//! Errors of registration.

use crate::failure::{About, Class, Code, Failure, Hint};
use crate::http::HttpError;
use crate::oauth::metadata::MetadataError;
use crate::oauth::token_endpoint::ErrorResponse;
use crate::token_endpoint::ClientKeyError;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// No method is possible.
    #[error("{0}")]
    NoMethod(&'static str),
    /// The client that the user names belongs to another authorization server.
    #[error("the client {client_id} belongs to {before}, and the server uses {now} now")]
    OtherIssuer {
        /// The client identifier.
        client_id: String,
        /// The issuer of the stored login with this client.
        before: String,
        /// The issuer that the server uses now.
        now: String,
    },
    /// The registration endpoint breaks the rules for URLs.
    #[error(transparent)]
    Endpoint(MetadataError),
    /// The server refused the registration; with status 401 or 403 it registers only clients that it knows.
    #[error("{}", refusal(*status, words))]
    Refused {
        /// The status code.
        status: u16,
        /// The error response.
        words: ErrorResponse,
    },
    /// The response holds no client identifier, or one that cannot be used.
    #[error("the answer to the registration holds no client identifier that can be used")]
    NoClientId,
    /// The server cannot answer now.
    #[error("the registration endpoint answered with status {0}")]
    Unavailable(u16),
    /// The request failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The client has a key that cannot be used.
    #[error(transparent)]
    Key(#[from] ClientKeyError),
}

/// The hint where only a client that the user registers helps.
const BY_HAND: &str =
    "register a client at the provider by hand, then name it with --client-id or --client-file";

fn refusal(status: u16, words: &ErrorResponse) -> String {
    let details = words.details();
    match status {
        401 | 403 => format!("it registers only clients that it knows (status {status}{details})"),
        _ => format!("the registration was refused with status {status}{details}"),
    }
}

impl Failure for RegisterError {
    fn code(&self) -> Code {
        match self {
            Self::NoMethod(_)
            | Self::Refused {
                status: 401 | 403, ..
            } => Code::ClientIdNeeded,
            Self::OtherIssuer { .. } => Code::IssuerChanged,
            Self::Endpoint(_) => Code::ForbiddenUrl,
            Self::Refused { .. } => Code::RegistrationRefused,
            Self::NoClientId | Self::Unavailable(_) => Code::RegistrationUnavailable,
            Self::Http(err) => err.code(),
            Self::Key(err) => err.code(),
        }
    }

    fn class(&self) -> Class {
        match self {
            // Each new attempt may leave another client behind, and gets the same answer.
            Self::NoClientId => Class::Usage,
            _ => self.code().class(),
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let is_closed = self.code() == Code::ClientIdNeeded;
        let hint = match (self, about.provider) {
            (_, Some(provider)) if is_closed => {
                let hint = format!(
                    "register a client at {}, then name it with --client-id or --client-file",
                    provider.registration
                );
                return Some(hint.into());
            }
            (Self::NoMethod(_), _) => BY_HAND,
            (Self::Refused { words, .. }, _) if is_closed || words.error.is_none() => BY_HAND,
            (Self::Endpoint(_), _) => {
                "report this to the operator of the authorization server; a client that is registered by hand and named with \
                 --client-id does without that endpoint"
            }
            (Self::OtherIssuer { now, .. }, _) => {
                let hint = format!("if the client belongs to {now} as well, say so with --issuer {now}");
                return Some(hint.into());
            }
            (Self::Refused { words, .. }, _) if words.is("invalid_redirect_uri") => {
                "the server does not accept our redirect URI: --redirect-host localhost may help, or a client that is \
                 registered by hand and named with --client-id"
            }
            (Self::Refused { .. }, _) => {
                "the words after the colon are the server's; a client that is registered by hand may help: name it with \
                 --client-id"
            }
            (Self::NoClientId, _) => {
                "report this to the operator of the authorization server; a client that is registered by hand and named with \
                 --client-id does without registration"
            }
            (Self::Unavailable(_), _) => "run the command again in a while",
            (Self::Http(err), _) => return err.hint(about),
            (Self::Key(err), _) => return err.hint(about),
        };
        Some(hint.into())
    }
}

impl RegisterError {
    /// Tells whether the URL is probably not that of a registration endpoint: the response has nothing of RFC 7591.
    ///
    /// Spec: RFC 7591 section 3.2.2.
    pub fn is_of_no_endpoint(&self) -> bool {
        match self {
            Self::NoClientId => true,
            Self::Refused { status, words } => match words.error.as_deref() {
                None => true,
                Some(
                    "invalid_redirect_uri"
                    | "invalid_client_metadata"
                    | "invalid_software_statement"
                    | "unapproved_software_statement",
                ) => false,
                Some(_) => *status != 400,
            },
            _ => false,
        }
    }
}
