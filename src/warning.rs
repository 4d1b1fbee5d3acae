//! Warnings: what the user should know although the command goes on.
//!
//! A warning is an event with a code, as a failure has one. The output receives it; `log` is for `-v`.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use crate::failure::words;

words! {
    /// The code of a warning: a stable word for scripts, printed as the `code` member of a warning event.
    Warning {
        NotListening "not_listening" "the callback cannot be listened for; the answer has to be pasted";
        UnsafePort "unsafe_port" "browsers refuse to open the port of the redirect URI";
        BrowserFailed "browser_failed" "a browser could not be started";
        MetadataIgnored "metadata_ignored" "a part of the server's metadata or challenge is not used";
        WideResource "wide_resource" "the server asks for a token for more than itself";
        PkceAssumed "pkce_assumed" "the authorization server does not say that it supports PKCE";
        ScopesLeftOut "scopes_left_out" "some scopes of the server are not requested";
        ScopesMissing "scopes_missing" "only the scopes that identify the user are requested";
        ScopesNotGranted "scopes_not_granted" "not all requested scopes were granted";
        Retrying "retrying" "the token endpoint does not answer, and the request is sent again";
        AssertionAudience "assertion_audience" "the JWT of the platform is for another audience than the authorization server";
        ClockWrong "clock_wrong" "the clock of this computer or that of the server is wrong";
        AccountUnknown "account_unknown" "the provider does not say whose account it is";
        ProofNeeded "proof_needed" "each request with the token needs a proof (DPoP)";
        DpopIgnored "dpop_ignored" "the authorization server does not bind tokens to a key (DPoP), though that was asked for";
        OtherAccount "other_account" "the login is for another account than the named one";
        RefreshTokenReused "refresh_token_reused" "the server sent no new refresh token, and the earlier one is stored again";
        LoginChanged "login_changed" "another process changed the login meanwhile";
        StoreFallback "store_fallback" "the keyring cannot be used, and the file is";
        StoreOutOfReach "store_out_of_reach" "the store helper cannot be used, and a copy of the token is";
        StoreMessage "store_message" "a line that the store helper wrote to stderr";
        WaitingForKeyring "waiting_for_keyring" "the keyring has to be unlocked";
        LoginUnreadable "login_unreadable" "a stored login cannot be read";
        IndexUnreadable "index_unreadable" "the list of logins, or an entry of it, cannot be read";
        IndexNotUpdated "index_not_updated" "the list of logins could not be changed";
        OlderCopy "older_copy" "an older copy of the login is in another store";
        JournalNotWritten "journal_not_written" "where a refreshed login is could not be noted";
        LockNotTaken "lock_not_taken" "another process holds the lock of the login";
        FileReadable "file_readable" "other users could read a file of logins, or of a key or secret";
        FileNotSynced "file_not_synced" "a file may not survive a power failure";
        FileNotRemoved "file_not_removed" "a file or directory that is not needed any more cannot be removed";
        CertificateIgnored "certificate_ignored" "a certificate authority of the system cannot be used";
        ProxyIgnored "proxy_ignored" "a proxy setting cannot be used";
        ConfigurationIgnored "configuration_ignored" "a part of a client's configuration is not used";
        ClientUnable "client_unable" "the client that names the server may not use a login to it";
        ProjectIgnored "project_ignored" "an authorization server that a file of the project names is not used";
        SecretIgnored "secret_ignored" "the client secret of a configuration is not used";
        RedirectUnknown "redirect_unknown" "a configuration does not name the redirect URI of its client";
        ProjectFile "project_file" "the name of the server comes from a file of the project";
        LockRemoved "lock_removed" "a lock that another program left behind was removed";
        ClientFileTooLarge "client_file_too_large" "the configuration of a client is too large to be changed";
        OlderLogin "older_login" "the client has an older login, which it would use instead";
        TokenEnded "token_ended" "a client that asks mcp-login for this token gets none any more";
        ToolRejected "tool_rejected" "a tool of the server is left out, because its headers are wrong";
        DemoFailed "demo_failed" "the user of the demo could not agree";
    }
}

impl Warning {
    /// Tells whether the warning is about a file or client of the user's, which is the same each time that it is looked at.
    fn is_about_file(self) -> bool {
        matches!(
            self,
            Self::FileReadable
                | Self::ConfigurationIgnored
                | Self::ProjectFile
                | Self::ClientUnable
        )
    }

    /// Tells whether the user has to see the warning even with `--quiet`: the login may be another one than was meant.
    pub fn is_essential(self) -> bool {
        matches!(
            self,
            Self::NotListening
                | Self::ClientUnable
                | Self::ProjectIgnored
                | Self::SecretIgnored
                | Self::RedirectUnknown
        )
    }
}

/// A warning as one process of this program reports it to another.
#[derive(Debug, Serialize, Deserialize)]
pub struct WarningReport {
    /// Its code.
    pub warning: Warning,
    /// The sentence.
    pub message: String,
}

type Receiver = Box<dyn Fn(Warning, &str) + Send + Sync>;

static RECEIVER: OnceLock<Receiver> = OnceLock::new();

/// Sets who receives all further warnings of this process. Only the first call does.
pub fn set_receiver(receiver: impl Fn(Warning, &str) + Send + Sync + 'static) {
    let _ = RECEIVER.set(Box::new(receiver));
}

/// The warnings that are sent once.
static SENT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Sends a warning to the receiver. Without one it is lost. One about a file of the user's is sent once.
pub fn send(warning: Warning, message: &str) {
    let is_new = || {
        let mut sent = SENT.lock().unwrap_or_else(PoisonError::into_inner);
        sent.insert(message.to_owned())
    };
    if warning.is_about_file() && !is_new() {
        return;
    }
    if let Some(receiver) = RECEIVER.get() {
        receiver(warning, &crate::failure::without_os_number(message));
    }
}

/// Sends a warning: its code, and its message as `format!` takes it.
macro_rules! warn_user {
    ($code:ident, $($message:tt)+) => {
        $crate::warning::send($crate::warning::Warning::$code, &format!($($message)+))
    };
}

pub(crate) use warn_user;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_warning_is_there_once_and_means_something() {
        let words: BTreeSet<_> = Warning::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(words.len(), Warning::ALL.len());
        for warning in Warning::ALL {
            let (word, meaning) = (warning.as_str(), warning.meaning());
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(word.bytes().all(is_plain), "{word}");
            assert!(!meaning.is_empty() && !meaning.ends_with('.'), "{word}");
            assert_eq!(
                serde_json::to_string(warning).unwrap(),
                format!("\"{word}\"")
            );
        }
    }
}
