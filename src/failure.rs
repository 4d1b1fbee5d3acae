//! What each error says about itself: a code for scripts, the exit status, and a hint.
//!
//! Every code of an error is a variant of [`Code`], so that no error can have a code that [`Code::ALL`] lacks. The
//! manual page and the table in docs/automation.md are made from that list and compared with it by a test.

use serde::{Deserialize, Serialize};

use crate::providers::{self, Provider};

/// Declares [`Class`]: the exit status and the meaning of each class.
macro_rules! classes {
    ($($class:ident = $exit:literal $meaning:literal;)+) => {
        /// The kind of a failure, which decides the exit status. The numbers are frozen: scripts rely on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Class {
            $(#[doc = $meaning] $class = $exit,)+
        }

        impl Class {
            /// All classes with their meanings, as the manual page explains them.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$class, $meaning)),+];

            /// Returns the exit status.
            pub fn exit(self) -> u8 {
                self as u8
            }
        }
    };
}

classes! {
    Success = 0 "done";
    Unexpected = 1 "unexpected error";
    Usage = 2 "usage, or what was named cannot be logged in to: trying again does not help";
    LoginNeeded = 3 "only a login helps, or the user, the server or the authorization server said no; the hint holds the command";
    TimedOut = 4 "timed out";
    Unavailable = 5 "network, proxy or server unavailable or busy: trying again is sensible";
    Security = 6 "a security check failed: do not blindly try again";
    Storage = 7 "storage; the message says what was stored and what was not";
    CannotListen = 8 "cannot listen, and no other way was left";
    NoWay = 9 "no way to receive an answer (no listener, no paste, nothing)";
    Bug = 70 "a bug in mcp-login";
    CannotRun = 126 "the command of exec cannot be run";
    NotFound = 127 "the command of exec does not exist";
}

impl From<Class> for std::process::ExitCode {
    fn from(class: Class) -> Self {
        Self::from(class.exit())
    }
}

/// Declares an enum of words, and what belongs to each: the word that is printed and stored, and its meaning.
macro_rules! words {
    ($(#[$of_enum:meta])* $name:ident { $($(#[$of_code:meta])* $code:ident $word:literal $meaning:literal;)+ }) => {
        $(#[$of_enum])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $(#[doc = $meaning] #[serde(rename = $word)] $(#[$of_code])* $code,)+
        }

        impl $name {
            /// All of them, in the order in which they are listed for people.
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// Returns the word that is printed.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $word,)+
                }
            }

            /// Returns what the word means, as one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$code => $meaning,)+
                }
            }

            /// Reads a word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;

/// Declares [`Code`]: the word, the classes (the usual one first) and the meaning of each code.
macro_rules! codes {
    ($($code:ident $word:literal [$($class:ident),+] $meaning:literal;)+) => {
        words! {
            /// The code of a failure: a stable word for scripts, printed as the `code` member of an error event.
            Code { $($code $word $meaning;)+ }
        }

        impl Code {
            /// Returns the classes that a failure with this code can have, the usual one first.
            pub fn classes(self) -> &'static [Class] {
                match self {
                    $(Self::$code => &[$(Class::$class),+],)+
                }
            }
        }
    };
}

codes! {
    NoLoginNeeded "no_login_needed" [Success] "the server answers without a login";
    Unexpected "unexpected" [Unexpected] "the operating system refused something that it usually allows";
    TokenResponseUnusable "token_response_unusable" [Unexpected] "the response of the token endpoint cannot be used";
    Usage "usage" [Usage] "the command line is wrong";
    OlderTransport "older_transport" [Usage] "the server speaks the older SSE transport, which check cannot use";
    ClientIdNeeded "client_id_needed" [Usage] "the authorization server registers no clients by itself";
    ClientKeyUnusable "client_key_unusable" [Usage] "the private key of the client cannot be used";
    AssertionUnreadable "assertion_unreadable" [Usage, Unavailable] "the JWT that the platform should give cannot be read";
    AssertionUnsuitable "assertion_unsuitable" [Usage] "the JWT is for another server, client or resource, and was not sent";
    AssertionExpired "assertion_expired" [LoginNeeded] "the JWT that the platform gave has expired, and was not sent";
    CertificatesUnreadable "certificates_unreadable" [Usage] "the certificate authorities cannot be read";
    NoTls "no_tls" [Usage] "what answers at the https URL does not speak TLS";
    NotAnMcpServer "not_an_mcp_server" [Usage] "nothing at the URL speaks MCP";
    ServerRejects "server_rejects" [Usage] "the MCP server rejects the request, and says that it always will";
    NoAuthorizationServer "no_authorization_server" [Usage, Unavailable] "no authorization server was found for the server";
    DeviceFlowUnsupported "device_flow_unsupported" [Usage] "the authorization server does not offer logins with a device code";
    CodeFlowUnsupported "code_flow_unsupported" [Usage] "the authorization server does not offer the authorization code flow";
    DpopRequired "dpop_required" [Usage] "the server takes only tokens that are bound to a key (DPoP)";
    DpopUnsupported "dpop_unsupported" [Usage] "the authorization server accepts no DPoP proofs that this program can make";
    MetadataUnusable "metadata_unusable" [Usage, Unavailable] "the metadata of the server cannot be used";
    RegistrationUnavailable "registration_unavailable" [Unavailable, Usage] "the registration endpoint is not available, or its response holds no client";
    DeviceEndpointUnavailable "device_endpoint_unavailable" [Unavailable, Usage] "the device authorization endpoint is not available, or its response cannot be used";
    HandoverImpossible "handover_impossible" [Usage] "the client cannot use this login";
    ClientMissing "client_missing" [Usage] "the program of the client was not found";
    AccessDenied "access_denied" [LoginNeeded] "the user or the authorization server denied the request";
    Refused "refused" [LoginNeeded] "the authorization server refused with an error code of its own";
    TokenRefused "token_refused" [LoginNeeded] "the token endpoint refused with an error code of its own";
    RegistrationRefused "registration_refused" [LoginNeeded] "the registration endpoint refused this client";
    NotLoggedIn "not_logged_in" [LoginNeeded] "there is no login, or it does not work any more";
    AccountRefused "account_refused" [LoginNeeded] "the server refuses the account of the login";
    InvalidRequest "invalid_request" [LoginNeeded] "an error code of OAuth: the request is malformed";
    InvalidClient "invalid_client" [LoginNeeded] "an error code of OAuth: the client is unknown, or its secret is wrong";
    InvalidGrant "invalid_grant" [LoginNeeded] "an error code of OAuth: the code or the refresh token is not valid";
    InvalidScope "invalid_scope" [LoginNeeded] "an error code of OAuth: a scope is unknown or not allowed";
    InvalidTarget "invalid_target" [LoginNeeded] "an error code of OAuth: the resource is unknown";
    UnauthorizedClient "unauthorized_client" [LoginNeeded] "an error code of OAuth: the client may not do this";
    UnsupportedResponseType "unsupported_response_type" [LoginNeeded] "an error code of OAuth: no authorization codes are issued";
    UnsupportedGrantType "unsupported_grant_type" [LoginNeeded] "an error code of OAuth: the grant type is not supported";
    InteractionRequired "interaction_required" [LoginNeeded] "an error code of OpenID Connect: the user has to act";
    LoginRequired "login_required" [LoginNeeded] "an error code of OpenID Connect: the user has to log in";
    ConsentRequired "consent_required" [LoginNeeded] "an error code of OpenID Connect: the user has to consent";
    AccountSelectionRequired "account_selection_required" [LoginNeeded] "an error code of OpenID Connect: the user has to choose an account";
    TimedOut "timed_out" [TimedOut] "no answer came before the time limit";
    DeviceCodeExpired "device_code_expired" [TimedOut] "the device code expired before the user agreed";
    DeviceAnswerLost "device_answer_lost" [Unavailable] "the answer with the tokens was lost, and the device code is used up";
    Busy "busy" [Unavailable] "no valid token was available in time; nothing has changed";
    Interrupted "interrupted" [Unavailable] "the process that refreshes was killed";
    ServerUnavailable "server_unavailable" [Unavailable] "a server cannot be reached";
    ServerTimeout "server_timeout" [Unavailable] "a server did not answer in time";
    ServerFailed "server_failed" [Unavailable] "the MCP server did not answer as it should";
    ProxyRefused "proxy_refused" [Unavailable] "the proxy refused the connection";
    ProxyUnavailable "proxy_unavailable" [Unavailable] "the proxy cannot be reached";
    NoLocalPort "no_local_port" [Unavailable] "this machine has no free port for an outgoing connection";
    TokenEndpointUnavailable "token_endpoint_unavailable" [Unavailable] "the token endpoint is not available";
    NotRevoked "not_revoked" [Unavailable] "the login was removed, but its tokens were not revoked";
    IssuerMismatch "issuer_mismatch" [Security, Usage] "the metadata is that of another issuer; exit status 2 where that is probably a typing error";
    IssuerChanged "issuer_changed" [Security] "the server names another authorization server than before";
    ResourceMismatch "resource_mismatch" [Security, Usage] "the metadata is that of another resource; exit status 2 where that is probably a typing error";
    ForeignMetadata "foreign_metadata" [Security] "the server names metadata on another host";
    ForbiddenUrl "forbidden_url" [Security] "a URL of the metadata is not allowed";
    ForbiddenAddress "forbidden_address" [Security] "a host has an address that is not allowed";
    RedirectRefused "redirect_refused" [Security] "a server redirected where no redirect is followed";
    InsecureConnection "insecure_connection" [Security] "the TLS connection is not secure";
    PkceUnsupported "pkce_unsupported" [Security] "the authorization server does not protect codes with PKCE";
    StoreUnusable "store_unusable" [Storage] "the store cannot be used";
    StoreInsecure "store_insecure" [Storage] "other users could change the file or its directory";
    StoreLocked "store_locked" [Storage] "another process holds the lock of the store";
    StoreCorrupt "store_corrupt" [Storage] "the store holds something that cannot be read";
    StoreNewer "store_newer" [Storage] "a newer version of mcp-login wrote the file";
    KeyringLocked "keyring_locked" [Storage] "the keyring is locked";
    NotStored "not_stored" [Storage] "the login is complete, but no store took it";
    FormatUnknown "format_unknown" [Storage] "the file of the client has an unknown format";
    ClientBusy "client_busy" [Storage] "the client holds the lock of its file";
    ClientNotWritten "client_not_written" [Storage] "the client does not have the login";
    PortTaken "port_taken" [CannotListen] "another program holds the port";
    CannotListen "cannot_listen" [CannotListen] "the callback cannot be listened for";
    NoWayToAnswer "no_way_to_answer" [NoWay] "no answer can arrive any more";
    CommandFailed "command_failed" [CannotRun, NotFound] "the command of exec cannot be run";
}

/// The error codes of OAuth and OpenID Connect that are codes of this program too.
const OAUTH_ERRORS: [Code; 13] = [
    Code::AccessDenied,
    Code::InvalidRequest,
    Code::UnauthorizedClient,
    Code::UnsupportedResponseType,
    Code::InvalidScope,
    Code::InvalidTarget,
    Code::InvalidClient,
    Code::InvalidGrant,
    Code::UnsupportedGrantType,
    Code::InteractionRequired,
    Code::LoginRequired,
    Code::ConsentRequired,
    Code::AccountSelectionRequired,
];

impl Code {
    /// Returns the usual class of a failure with this code.
    pub fn class(self) -> Class {
        self.classes().first().copied().unwrap_or(Class::Bug)
    }

    /// Returns the code for an error code of OAuth that a server sent; `otherwise` for one that scripts cannot know.
    ///
    /// Spec: RFC 6749 sections 4.1.2.1 and 5.2, RFC 8707 section 2, OpenID Connect Core section 3.1.2.6.
    pub fn of_oauth_error(error: &str, otherwise: Self) -> Self {
        OAUTH_ERRORS
            .into_iter()
            .find(|known| known.as_str() == error)
            .unwrap_or(otherwise)
    }
}

/// An error that says what it is for scripts, and what to do about it.
pub trait Failure: std::error::Error {
    /// Returns the code.
    fn code(&self) -> Code;

    /// Returns the class; the usual one of the code unless the error knows better.
    fn class(&self) -> Class {
        self.code().class()
    }

    /// Returns what to do next; `None` if nothing better is known than the message.
    fn hint(&self, about: &About) -> Option<Hint>;
}

/// What the hint of a failure may name: what the failed step was about.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The server, or the client of a hand-over; may be empty.
    pub name: &'a str,
    /// Whose authorization server it is, if it is that of a known provider.
    pub provider: Option<&'static Provider>,
}

impl About<'_> {
    /// Returns what an error code of a login, with its description, means at the provider, if that is known.
    pub fn explain(&self, error: &str, description: Option<&str>) -> Option<&'static str> {
        let words = format!("{error} {}", description.unwrap_or_default());
        providers::explain_login(self.provider, &words)
    }
}

/// What to do next. `output` renders it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// A sentence.
    Text(String),
    /// A login.
    Login(Box<LoginCommand>),
    /// A login, if the sentence does not help.
    Else(String, Box<LoginCommand>),
}

impl<T: Into<String>> From<T> for Hint {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

/// The command that logs in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginCommand {
    /// The profile.
    pub profile: String,
    /// Options for this login, such as `--force`.
    pub options: Vec<String>,
    /// The server, or the options that name a provider.
    pub target: Vec<String>,
    /// Options that repeat the settings of this run, such as `--store`.
    pub settings: Vec<String>,
}

/// Returns what an error of the operating system says, without the number that the standard library appends, and the dot that
/// Windows has before it.
pub fn without_os_number(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                plain.truncate(plain.trim_end_matches('.').len());
                plain.push_str(rest);
            }
            _ => {
                plain.push_str(" (os error ");
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_error_code_is_unique_and_described() {
        let words: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(code.as_str().bytes().all(is_plain), "{code}");
            assert!(!code.meaning().is_empty() && !code.meaning().ends_with('.'));
            assert_eq!(
                serde_json::to_string(code).unwrap(),
                format!("\"{code}\""),
                "what another process reads is what is printed"
            );
        }
    }

    #[test]
    fn exit_codes_are_frozen() {
        let exits: Vec<_> = Class::ALL.iter().map(|(class, _)| class.exit()).collect();
        assert_eq!(exits, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 70, 126, 127]);
        for class in Code::ALL.iter().flat_map(|code| code.classes()) {
            assert!(Class::ALL.iter().any(|(listed, _)| listed == class));
        }
    }

    #[test]
    fn error_codes_of_oauth_are_codes_of_ours() {
        for (error, expected) in [
            ("access_denied", Code::AccessDenied),
            ("invalid_grant", Code::InvalidGrant),
            ("account_selection_required", Code::AccountSelectionRequired),
            ("port_taken", Code::Refused),
            ("Access_Denied", Code::Refused),
            ("", Code::Refused),
        ] {
            assert_eq!(Code::of_oauth_error(error, Code::Refused), expected);
        }
    }

    #[test]
    fn numbers_of_the_system_are_not_printed() {
        let said = std::io::Error::from_raw_os_error(13).to_string();
        let denied = without_os_number(&said);
        assert!(said.starts_with(&denied) && said.contains("13") && !denied.contains("13"));
        for (text, expected) in [
            (
                "a: Access is denied. (os error 5); b",
                "a: Access is denied; b",
            ),
            (
                "a: No such file or directory (os error 2); b (os error 17): c",
                "a: No such file or directory; b: c",
            ),
            ("a (os error x)", "a (os error x)"),
            ("a (os error ", "a (os error "),
            ("", ""),
        ] {
            assert_eq!(without_os_number(text), expected);
        }
    }
}
