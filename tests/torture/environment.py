"""Hostile environment variables and arguments. Whatever stands there, a run ends, and tells no secret."""

import os
import random

import documents
from lab import EXIT_CODES, OTHER, Home, Report, login_to, other_login
from server import Server

BATCH = 20

VARIABLES = (
    "PATH", "TMPDIR", "HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "SSLKEYLOGFILE", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy",
    "all_proxy", "no_proxy", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "TERM", "COLUMNS",
    "LINES", "NO_COLOR", "LANG", "LC_CTYPE", "TZ", "USER", "SHELL", "SUDO_UID", "SSH_CONNECTION", "CI",
    "MCP_LOGIN_STORE", "MCP_LOGIN_DATA_DIR", "MCP_LOGIN_PROFILE", "MCP_LOGIN_TIMEOUT", "MCP_LOGIN_PORT",
    "MCP_LOGIN_REDIRECT_HOST", "MCP_LOGIN_REDIRECT_PATH", "MCP_LOGIN_REDIRECT_URI", "MCP_LOGIN_SCOPE",
    "MCP_LOGIN_CLIENT_ID", "MCP_LOGIN_CLIENT_SECRET", "MCP_LOGIN_CLIENT_SECRET_FILE", "MCP_LOGIN_CLIENT_FILE",
    "MCP_LOGIN_CLIENT_METADATA_URL", "MCP_LOGIN_ISSUER", "MCP_LOGIN_RESOURCE", "MCP_LOGIN_PARAM",
    "MCP_LOGIN_REGISTRATION", "MCP_LOGIN_CHALLENGE", "MCP_LOGIN_LOGIN_HINT", "MCP_LOGIN_CA_FILE", "MCP_LOGIN_COLOR",
    "MCP_LOGIN_BROWSER", "MCP_LOGIN_NO_BROWSER", "MCP_LOGIN_MIN_TTL", "MCP_LOGIN_ENV", "MCP_LOGIN_TO", "MCP_LOGIN_NAME",
    "MCP_LOGIN_FROM", "MCP_LOGIN_HANDOVER", "MCP_LOGIN_PROVIDER", "MCP_LOGIN_TENANT", "MCP_LOGIN_TOOLS",
    "CLAUDE_CODE_MCP_SERVER_URL", "CLAUDE_CODE_MCP_SERVER_NAME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "OPENCODE_CONFIG",
    "MCPORTER_CONFIG", "CLINE_MCP_SETTINGS_PATH", "GEMINI_CLI_HOME", "HERMES_HOME", "RUST_LOG", "RUST_BACKTRACE",
    "RUST_MIN_STACK", "MALLOC_ARENA_MAX", "GITHUB_ENV", "POSIXLY_CORRECT",
)

PATHS = (
    "/dev/zero", "/dev/null", "/dev/full", "/dev/random", "/dev/stdin", "/dev/tty", "/proc", "/proc/self/mem",
    "/proc/self/environ", "/proc/self/fd/0", "/sys", "/", "/etc/passwd", "/nonexistent/a/b", "relative/path", "..", ".",
    "~", "~root", "//", "/tmp", "a:b:c", ":", "file:", "file:/dev/zero", "file:/proc/self/mem", "file:relative",
    "keyring", "exec:", "exec:id", "auto", "/dev/fd/999", "/" + "a" * 300, "/a" * 3_000, "FIFO", "DIRECTORY"
)

WORDS = (
    "http://127.0.0.1:1", "socks5://127.0.0.1:1", "socks5h://[::1]:1", "http://user:pw@127.0.0.1:1",
    "https://127.0.0.1:1", "http://", "127.0.0.1", "*", "0", "-1", "1", "99999999999999", "1e9s", "0s", "-5s",
    "5000000000h", "1s1s", "NaN", "unix:path=/dev/null", "unix:abstract=x", "tcp:host=127.0.0.1,port=1", "unix:", ";",
    "autolaunch:", "%s", "cat %s", "sh -c id", "false", "/bin/false %s", "tr_TR.UTF-8", "C.UTF-8", "en_US.ISO-8859-1",
    "../../etc", "K=V", "=V", "K=", "=", "a,b,,c", ":0", ":99.9", "dumb", "xterm-256color"
)

COMMANDS = (["status"], ["status", "--json"], ["token", "SERVER"], ["headers", "SERVER"], ["headers"],
            ["logout", "SERVER"], ["doctor"], ["doctor",
                                               "SERVER"], ["check", "SERVER"], ["handover", "SERVER", "--to", "dotenv"],
            ["handover", "SERVER", "--to", "codex", "--name",
             "x"], ["exec", "SERVER", "--",
                    "/bin/true"], ["login",
                                   "SERVER"], ["login",
                                               "SERVER"], ["providers"], ["--version"], ["--help"], ["token"], ["x"])

# Arguments at places where an option, a server or a value stands.
OPTIONS = (
    "--store", "--profile", "--ca-file", "--data-dir", "--color", "--timeout", "--port", "--scope", "--client-id",
    "--issuer", "--resource", "--param", "--challenge", "--redirect-uri", "--redirect-path", "--client-file",
    "--client-secret-file", "--client-secret", "--login-hint", "--min-ttl", "--env", "--to", "--name", "--mode",
    "--from", "--handover", "--browser", "--redirect-host", "--registration", "--client-metadata-url", "--provider",
    "--tools", "--tenant", "--no-such-option", "-q", "-v", "-vvvvv", "-x", "--", "-", "--json", "--all"
)


def plan(seed, scale):
    count = round(1_200 * scale)
    return [("environment", seed, first, min(BATCH, count - first)) for first in range(0, count, BATCH)]


def value(chance, home, server):
    found = chance.choice((
        chance.choice(PATHS), chance.choice(WORDS), chance.choice(documents.TEXTS),
        chance.choice(documents.urls(server)), chance.choice(("A" * 100_000, server.mcp, server.origin, "\udcff\udcfe"))
    ))
    if found == "FIFO":
        found = os.path.join(home.path, "fifo")
        os.path.exists(found) or os.mkfifo(found, 0o600)
    if found == "DIRECTORY":
        found = home.path
    return found.replace("\0", "")[:100_000]


def run(case, lab):
    _, seed, first, count = case
    report = Report("environment")
    for number in range(first, first + count):
        chance = random.Random(f"{seed}/environment/{number}")
        with Server() as server, Home(lab) as home:
            trial(report, f"environment {number}", chance, home, server)
        report.tried += 1
    return report


def trial(report, what, chance, home, server):
    home.put(login_to(server, tokens=server.family()), other_login())
    before = home.logins()[OTHER]
    command = [word.replace("SERVER", server.mcp) for word in chance.choice(COMMANDS)]
    is_login = command[0] == "login"
    if is_login:
        command = ["login", "--json", "--no-browser", "--no-paste", "--timeout", "5s", "--force", *command[1:]]
    env, words = {"MCP_LOGIN_STORE": "file", "MCP_LOGIN_TIMEOUT": "5s"}, []
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        if chance.random() < 0.7:
            env[chance.choice(VARIABLES)] = value(chance, home, server)
        else:
            words += [chance.choice(OPTIONS), *([value(chance, home, server)] if chance.random() < 0.8 else [])]
    at = chance.randrange(len(command) + 1)
    command = command[:at] + words + command[at:]
    env = {name: text for name, text in env.items() if not (name == "PATH" and "\udcff" in text)}
    running = home.start(*(word.replace("\0", "") for word in command), env=env, limit=40)
    if is_login:
        event = running.event("authorization_url", "error", "logged_in")
        if event and event["event"] == "authorization_url":
            running.end()
    # A login waits as long as it was told to, which may be for ever; a signal ends it.
    asked = not running.ends_within(20) and not running.end()
    result = running.finish()
    what = f"{what}, {shown(env)} {str(command)[:600]}"
    if asked and b"log in to" not in result.err:
        report.problem("hangs", f"{what}: not ended after 20 s")
    # 126 and 127 say that `exec` did not run its command.
    report.judge(result, what, EXIT_CODES | {-15, 126, 127}, secrets_on_stdout=True)
    try:
        if home.logins().get(OTHER) != before and "--all" not in command:
            report.problem("damaged", f"{what}: the other login is {home.logins().get(OTHER)}")
    except ValueError as error:
        report.problem("damaged", f"{what}: {error}")


def shown(env):
    return {name: text[:200] for name, text in env.items()}
