//! What the manual page says beyond the options: how it works, files, environment, exit statuses, codes for scripts.
//!
//! The tables of docs/automation.md are made here too. Each list comes from the table that defines it.

use crate::clients::config;
use crate::failure::{Class, Code};
use crate::providers::google;
use crate::warning::Warning;

/// Returns the exit statuses and their meanings.
fn exit_statuses() -> Vec<(String, &'static str)> {
    let own = Class::ALL.map(|(class, meaning)| (class.exit().to_string(), meaning));
    let signal = ("128+n".to_owned(), "ended by signal n");
    own.into_iter().chain([signal]).collect()
}

/// Returns the exit statuses that a failure with this code can have, such as `2 or 5`.
fn exits(code: Code) -> String {
    let exits: Vec<_> = code
        .classes()
        .iter()
        .map(|it| it.exit().to_string())
        .collect();
    exits.join(" or ")
}

/// Returns names as a list in roff, such as `a, b and c`.
fn list(names: &[&str]) -> String {
    let text = match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        names => names.concat(),
    };
    text.replace('-', "\\-")
}

/// Returns the further sections of the main page, as roff.
pub fn extra_sections() -> String {
    let mut tools: Vec<_> = google::TOOLS.iter().map(|(name, ..)| *name).collect();
    tools.sort_unstable();
    let mut roff = SECTIONS
        .replace("@CLIENTS@", &list(&config::names().collect::<Vec<_>>()))
        .replace("@TOOLS@", &list(&tools));
    roff.push_str(".SH \"EXIT STATUS\"\n");
    for (exit, meaning) in exit_statuses() {
        roff.push_str(&format!(".TP\n\\fB{exit}\\fR\n{meaning}\n"));
    }
    roff.push_str(
        ".PP\nWith several servers: 0 if all are logged in, else the code of the first that failed.\n",
    );
    roff.push_str(
        ".SH \"ERROR CODES\"\nThe \\fBcode\\fR of an error event, with its exit status:\n",
    );
    for code in Code::ALL {
        let (exits, meaning) = (exits(*code), code.meaning());
        roff.push_str(&format!(".TP\n\\fB{code}\\fR ({exits})\n{meaning}\n"));
    }
    roff.push_str(".SH WARNINGS\nThe \\fBcode\\fR of a warning event:\n");
    for warning in Warning::ALL {
        let (word, meaning) = (warning.as_str(), warning.meaning());
        roff.push_str(&format!(".TP\n\\fB{word}\\fR\n{meaning}\n"));
    }
    roff.push_str(".SH \"SEE ALSO\"\n\\fBssh\\fR(1), \\fBsecret\\-tool\\fR(1)\n");
    roff
}

/// Returns the tables that documents hold between `<!-- NAME -->` and `<!-- end -->`, each by its name.
pub fn tables() -> [(&'static str, String); 3] {
    let exits_rows = exit_statuses()
        .into_iter()
        .map(|(exit, meaning)| format!("| {exit} | {meaning} |\n"));
    let code_rows = Code::ALL
        .iter()
        .map(|code| format!("| `{code}` | {} | {} |\n", exits(*code), code.meaning()));
    let warning_rows = Warning::ALL
        .iter()
        .map(|it| format!("| `{}` | {} |\n", it.as_str(), it.meaning()));
    let table = |head: &str, rows: String| format!("{head}\n{rows}");
    [
        (
            "exit statuses",
            table("| exit | meaning |\n|---|---|", exits_rows.collect()),
        ),
        (
            "error codes",
            table(
                "| code | exit | meaning |\n|---|---|---|",
                code_rows.collect(),
            ),
        ),
        (
            "warnings",
            table("| code | meaning |\n|---|---|", warning_rows.collect()),
        ),
    ]
}

const SECTIONS: &str = r#".SH EXAMPLES
.nf
mcp\-login https://mcp.example.com/mcp
mcp\-login \-\-no\-browser https://mcp.example.com/mcp
mcp\-login exec https://mcp.example.com/mcp \-\- my\-client
mcp\-login doctor https://mcp.example.com/mcp
mcp\-login linear
mcp\-login \-\-all
mcp\-login \-\-provider google \-\-client\-file client_secret.json \-\-tools gmail
mcp\-login demo
.fi
.SH "HOW IT WORKS"
A loopback port is bound first, and stays bound until the login ends. A request without a token finds the authorization
server of the MCP server (RFC 9728, RFC 8414, OpenID Connect Discovery). mcp\-login becomes a client there (by hand, by a
metadata document, or by dynamic registration, RFC 7591) and opens the authorization page with PKCE (RFC 7636), a state
and the resource (RFC 8707). Requests to the port without this state and the right issuer (RFC 9207), however many, are
answered and ignored. The code is exchanged once and the tokens are stored; only then the browser shows that you are
logged in.
.SH PASTING
While the browser is waited for, the answer may also be pasted: the address of the last page, whole or only what follows
the question mark, quoted or wrapped. Paste again if it was not accepted. Nothing of it is echoed. Without a terminal
\fB\-\-paste\fR reads it from a pipe. The end of stdin ends only the pasting, not the login.
.SH "NAMES OF SERVERS"
A \fISERVER\fR without :// is the name of a stored login, or else the name that an MCP client has for a server in its
configuration: \fINAME\fR, or \fICLIENT\fR:\fINAME\fR if clients use that name for different servers. The clients are
@CLIENTS@. If several files of a client have the name, the nearest one wins, as in the client itself. Files of a project
are looked for from the working directory up to the root of its repository, and the output names the file. In a URL
${\fIVARIABLE\fR} and ${\fIVARIABLE\fR:\-\fIDEFAULT\fR} are expanded; nothing is ever run. In a project's file only
\fIDEFAULT\fR is used, never the variable, and a file that belongs to another user is ignored. The client identifier, the
scopes and the redirect URI come from the configuration unless an option gives them. A client secret is never taken from
it, and your own secret is not sent for a client that a project's file names.
.PP
\fB\-\-all\fR logs in to all of these servers except those that are switched off or have credentials of their own: 32 at
most, and those in a project's files only with \fB\-\-from\fR. It lists what it leaves out.
\fBstatus \-\-from \fICLIENT\fR shows which of them need a login. For a URL no configuration is read.
.SH PROVIDERS
\fB\-\-provider\fR uses the built\-in settings for a provider: its endpoints or issuer, the parameters that it needs, no
resource if it refuses one, and explanations of its errors. Other options on the command line win. Without SERVER the login
is one at the provider itself, under the provider's name; its profile is then the account of \fB\-\-login\-hint\fR, unless
\fB\-\-profile\fR names one, so that several accounts stay apart. To log in again, the client and the scopes need not be
given. \fBmcp\-login token google\fR uses the only login of that name, whatever its profile is.
.PP
With \fB\-\-provider google\fR the tools of \fB\-\-tools\fR are @TOOLS@; the scopes are those that workspace\-mcp needs for
them. If the client file has endpoints that are not Google's own, these are used.
.SH "AS A STDIO SERVER"
\fBmcp\-login connect \fISERVER\fR is an MCP server on stdin and stdout, which passes each message on to the remote one with the
token of the login. The login is refreshed ahead of time, and once when the server refuses its token; one that is made in another
terminal is used from the next request on. It opens no browser, unless \fB\-\-login\fR allows it to open one page. A failure of its own is a JSON\-RPC error whose code is \-31000 minus the exit status
below and whose \fBdata\fR holds code and hint; stderr says the same.
.SH FILES
.TP
\fI~/.local/share/mcp\-login/credentials.json\fR
the logins, where no keyring is used; readable by its owner only ($XDG_DATA_HOME; on macOS
\fI~/Library/Application Support/mcp\-login\fR, on Windows \fI%LOCALAPPDATA%\emcp\-login\fR). Keep it out of backups and of directories that are synchronised.
.TP
\fI~/.local/share/mcp\-login/index.json\fR
which logins there are, without secrets
.TP
\fI~/.local/share/mcp\-login/handovers.json\fR
what \fBhandover \-\-write\fR replaced in the configurations of clients, for \fB\-\-undo\fR; readable by its owner only
.TP
\fI~/.local/share/mcp\-login/*.lock\fR, \fI~/.local/share/mcp\-login/refresh/\fR
locks, and notes of refreshes that are under way
.TP
\fI~/.local/share/mcp\-login/cache/\fR
metadata and registrations of earlier logins, without secrets; may be deleted at any time
.PP
\fBmcp\-login logout \-\-all \-\-forget\fR removes all of these. Keyring entries have the service \fBmcp\-login\fR and the account \fISERVER\fR or \fISERVER\fR#\fIPROFILE\fR.
.SH ENVIRONMENT
Every option that takes a value can be set as \fBMCP_LOGIN_\fINAME\fR; the option wins. Beside them:
.TP
\fBMCP_LOGIN_CLIENT_SECRET\fR
the client secret; read once, and not passed on to any child
.TP
\fBMCP_LOGIN_CLIENT_KEY\fR
the private key of the client, in the forms of \fB\-\-client\-key\-file\fR: PEM with line breaks, \fB\en\fR or spaces, a JWK, or
either in base64; read once, and not passed on to any child
.TP
\fBMCP_LOGIN_LOCK_DIR\fR
the directory for the locks of refreshes of logins in the keyring, instead of \fI.local/share/mcp\-login/refresh\fR in the
home directory of the system's user database; all programs that share the keyring need the same directory
.TP
\fBBROWSER\fR
the browser to open, as for \fB\-\-browser\fR, or several, separated by colons, which are tried in order
.TP
\fBSSL_CERT_FILE\fR, \fBSSL_CERT_DIR\fR
certificate authorities instead of the system's; regular files, 4 MiB in all
.TP
\fBHTTPS_PROXY\fR, \fBHTTP_PROXY\fR, \fBALL_PROXY\fR, \fBNO_PROXY\fR
proxies, as curl and Go read them, in lower case too: the variable for the scheme wins over \fBALL_PROXY\fR;
\fBNO_PROXY\fR lists names (and all below them), addresses, networks such as 10.0.0.0/8, HOST:PORT, or *. Loopback is
never proxied
.TP
\fBNO_COLOR\fR
no colours
.SH "MACHINE-READABLE OUTPUT"
With \fB\-\-json\fR a login prints one JSON object per line, \fBevent\fR first:
\fBnamed\fR (server, name, client, path, in_project: whether a file of the project names the server),
\fBskipped\fR (server, name, client, reason; with \-\-all),
\fBno_login_needed\fR (server; the exit status is 0),
\fBlistening\fR (server, redirect_uri),
\fBauthorization_url\fR (server, url, redirect_uri, expires_at),
\fBdevice_code\fR (server, verification_uri, verification_uri_complete, user_code, expires_at),
\fBrejected\fR (server, source, reason, count; the wait goes on),
\fBanswer_received\fR (server; its code is exchanged now),
\fBcancelled\fR (server; a signal ended the run before this login was complete),
\fBlogged_in\fR (server, profile, issuer, client_id, scopes, expires_at, refreshable, store, path, account, already,
next: the command that lets your client use the login, or null),
\fBforgotten\fR (removed; the files that \fBlogout \-\-all \-\-forget\fR has removed),
\fBwarning\fR (code, message),
\fBerror\fR (server, code, exit, message, hint).
Where stdout carries one result (\fBtoken\fR, \fBheaders\fR, \fBexec\fR, \fBconnect\fR, \fBstatus\fR, \fBcheck\fR, \fBdoctor\fR),
warnings are lines on stderr, as are the errors of the first four.
\fBdoctor \-\-json\fR prints one object:
\fBfindings\fR, a list of {topic, state, code, what, hint}; \fBserver\fR, the server examined, or null;
\fBsteps\fR, a list of {url, status, decided}, what was asked and what was decided from the answer (status is null if
there was none); \fBexit\fR, the exit status. A state is one of ok, warning (a login works all the same), failure (a
login would end here); the code is that of an error event, or null. Topics are, of the machine, surroundings, browser,
terminal, loopback, callback, data, keyring, file, logins, refreshes, clients, clock, proxy, certificates; of the server, login,
discovery, issuer, resource, pkce, endpoints, registration, scopes. A topic may have several findings, or none. The exit
status is that of the first failure that a login would meet.
.PP
Times are RFC 3339, UTC. A reason is one of state_mismatch, issuer_mismatch, ambiguous, malformed, not_a_redirect,
foreign_peer, temporary.
"#;
