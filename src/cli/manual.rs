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
mcp\-login \-\-provider google \-\-client\-file client_secret.json \-\-tools gmail,drive
mcp\-login demo
.fi
.SH "HOW IT WORKS"
A loopback port is bound first, and stays bound to the end. The server is asked, without a token, who its
authorization server is (RFC 9728, RFC 8414, OpenID Connect Discovery); mcp\-login becomes a client there (by hand, by a
metadata document, or by dynamic registration, RFC 7591) and opens the authorization page with PKCE (RFC 7636), a state
and the resource (RFC 8707). Any number of requests that do not carry the state and the right issuer (RFC 9207) are
answered and forgotten. The code is exchanged once, the tokens are stored, and only then the browser says so.
.SH PASTING
Beside the browser the answer may be pasted: the address that the browser lands on, whole or only what follows the
question mark, quoted or wrapped, any number of times. Nothing of it is echoed. Without a terminal \fB\-\-paste\fR reads
it from a pipe. The end of input ends only the pasting.
.SH "NAMES OF SERVERS"
A \fISERVER\fR without :// is the name of a stored login, or else the name that an MCP client has for a server in its
configuration: \fINAME\fR, or \fICLIENT\fR:\fINAME\fR where clients mean different servers by one name. The clients are
@CLIENTS@. Of two files of one client the nearest wins, as for the client itself. Files of a project are
looked for from the working directory up to the root of its repository; what they say is shown as theirs. In a URL
${\fIVARIABLE\fR} and ${\fIVARIABLE\fR:\-\fIotherwise\fR} are expanded, and nothing is ever run; a project's file gets no
variable, only what it says otherwise, and is ignored if it belongs to another user. Client identifier, scopes and
redirect URI are taken from there where no option gives them; a client secret is not, and one of your own goes to no client
that a project's file names.
.PP
\fB\-\-all\fR logs in to all of these servers but those with credentials of their own or are switched off; to 32 at
most, and to those of a project's files only with \fB\-\-from\fR. What is left out is said.
\fBstatus \-\-from \fICLIENT\fR tells which of them need a login. For a URL no configuration is read.
.SH PROVIDERS
\fB\-\-provider\fR follows the ways of a provider: its endpoints or issuer, the parameters that it needs, no resource where
it refuses one, and what its failures mean. What else is given on the command line wins. Without SERVER the login is one at
the provider itself and is known by the provider's name; its profile is then the account of \fB\-\-login\-hint\fR, unless
\fB\-\-profile\fR names one, so that several accounts stay apart. A later login needs neither the client nor the scopes again.
\fBmcp\-login token google\fR means the only login of that name, whatever its profile is.
.PP
With \fB\-\-provider google\fR the tools of \fB\-\-tools\fR are @TOOLS@; the scopes are those that workspace\-mcp needs for them. Endpoints in the client file
that are not Google's own are used in their place.
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
\fI~/.local/share/mcp\-login/cache/\fR
metadata and registrations of earlier logins, without secrets; may be deleted at any time
.PP
Keyring entries have the service \fBmcp\-login\fR and the account \fISERVER\fR or \fISERVER\fR#\fIPROFILE\fR.
.SH ENVIRONMENT
Every option that takes a value can be set as \fBMCP_LOGIN_\fINAME\fR; the option wins. Beside them:
.TP
\fBMCP_LOGIN_CLIENT_SECRET\fR
the client secret; read once, and not passed on to any child
.TP
\fBMCP_LOGIN_CLIENT_KEY\fR
the private key of the client, as \fB\-\-client\-key\-file\fR has it: PEM with line breaks, \fB\en\fR or spaces, a JWK, or
either in base64; read once, and not passed on to any child
.TP
\fBMCP_LOGIN_LOCK_DIR\fR
the directory where programs that use one keyring take turns to refresh, instead of
\fI.local/share/mcp\-login/refresh\fR in the home directory that the system's database of users has; the same for all of
them
.TP
\fBBROWSER\fR
the browser to open, as for \fB\-\-browser\fR, or several with colons between them, which are tried in their order
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
With \fB\-\-json\fR a login prints one JSON object a line, \fBevent\fR first:
\fBnamed\fR (server, name, client, path, in_project: whether a file of the project names the server),
\fBskipped\fR (server, name, client, reason; with \-\-all),
\fBno_login_needed\fR (server; the exit status is 0),
\fBlistening\fR (server, redirect_uri),
\fBauthorization_url\fR (server, url, redirect_uri, expires_at),
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
