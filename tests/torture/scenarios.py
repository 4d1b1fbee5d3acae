"""What the program is doing when it is killed or fails, and what has to hold afterwards, whatever happened.

Each scenario prepares a home and a server, names a command, and judges what the command left: the store and the files
of clients, who owns the refresh token, and what the next command does.
"""

import hashlib
import json
import os
import re
import tomllib

from lab import LOGIN, OTHER, agree, login_to, other_login

# What the program writes before it renames it: nobody reads these.
TEMPORARY = re.compile(r"\.tmp(/|$)|/credentials\.rescued-|\.local/share/mcp-login/|(^|/)trace$")

# What tells a user that a login may be lost, or where it went.
TRUTH = re.compile(rb"interrupted|handed over|cannot tell|may have|rescued")


class Scenario:
    """One command, and the state in which it begins."""

    secrets = False

    def __init__(self, name):
        self.name = name

    def prepare(self, home, server):
        """Makes the state; what `judge` needs later is kept in the home."""
        home.old = server.family()
        home.put(login_to(server, tokens=home.old), other_login())
        home.other = home.logins()[OTHER]

    def arguments(self, home, server):
        raise NotImplementedError

    def go(self, home, server, through=(), limit=60):
        """Runs the command to its end."""
        return home.run(*self.arguments(home, server), through=through, limit=limit)

    def judge(self, report, what, home, server, result):
        raise NotImplementedError

    def store(self, report, what, home):
        """Reads the store; None if it is damaged. The other login has to be what it was."""
        try:
            logins = home.logins()
        except ValueError as error:
            report.problem("damaged", f"{what}: {error}: {home.text()[:500]!r}")
            return None
        if logins.get(OTHER) != home.other:
            report.problem("damaged", f"{what}: the other login is {logins.get(OTHER)}")
        return logins


def name_of_refresh(server):
    """How the files are named in which a refresh of the login to this server is noted."""
    return hashlib.sha256(server.mcp.encode()).hexdigest()[:16]


def rescued(home, names=("credentials.rescued-",)):
    """The logins in files of their own that no store has, by refresh token, with the names of these files."""
    found = {}
    for name in home.files():
        if any(part in name for part in names) and not name.endswith((".tmp", ".lock")):
            try:
                logins = json.loads(home.read(name))["logins"]
            except (ValueError, KeyError):
                continue
            for login in logins.values():
                found[login.get("refresh_token")] = os.path.basename(name).encode()
    return found


def next_token(report, what, home, server, *args):
    """What the next run says; it has to be whole."""
    result = home.run("token", "--store", "file", *args, server.mcp)
    report.judge(result, f"{what}: the next token", secrets_on_stdout=True)
    return result


class Refresh(Scenario):
    """A refresh: by `token`, or the process that does it, started by itself."""

    secrets = True

    def __init__(self, name, job=None):
        super().__init__(name)
        self.job = job

    def arguments(self, home, server):
        if self.job:
            return ["__refresh", self.job.replace("HOME", home.home).replace("ORIGIN", server.origin)]
        return ["token", "--store", "file", server.mcp]

    def go(self, home, server, through=(), limit=60):
        if not self.job:
            return super().go(home, server, through, limit)
        # The process gets the lock of the login as its stdin.
        os.makedirs(os.path.join(home.data, "refresh"), mode=0o700, exist_ok=True)
        with open(os.path.join(home.data, "refresh", f"{name_of_refresh(server)}.lock"), "w+") as lock:
            return home.run(*self.arguments(home, server), through=through, limit=limit, stdin_of=lock)

    def judge(self, report, what, home, server, result):
        logins = self.store(report, what, home)
        if logins is None:
            return
        kept, old = logins.get(server.mcp), home.old["refresh_token"]
        if kept is None:
            report.problem("damaged", f"{what}: the login is gone; {result.said()}")
            return
        token, safe = kept["refresh_token"], rescued(home, ("credentials.rescued-", ".renewed"))
        if server.reused:
            report.problem("owners", f"{what}: a refresh token was spent twice; {result.said()}")
        if token != old and not server.good(token):
            report.problem("damaged", f"{what}: {token} was never issued, or is spent; {result.said()}")
        if result.code == 0 and not server.good(token):
            report.problem("wrong", f"{what}: exit 0, and what was spent is not replaced; {result.said()}")
        if result.code == 0 and not self.job and not server.live(result.out.decode().strip()):
            report.problem("wrong", f"{what}: exit 0 without a live token; {result.said()}")
        lost = not server.good(token) and not any(server.good(successor) for successor in safe)
        again = next_token(report, what, home, server)
        report.lost += lost
        if lost:
            if again.code != 3 or b"interrupted" not in again.err:
                report.problem("wrong", f"{what}: the lost token is not told: {again.code} {again.said()}")
        elif again.code != 0 or not server.live(again.out.decode().strip()):
            report.problem("wrong", f"{what}: the next run fails: {again.code} {again.said()}; first {result.said()}")
        elif server.reused:
            report.problem("owners", f"{what}: the next run spent a token twice; {result.said()}")
        self.store(report, f"{what}, after the next run", home)


class Login(Scenario):
    """A login; with `force`, in place of one that is there."""
    def __init__(self, name, force=False):
        super().__init__(name)
        self.force = force

    def prepare(self, home, server):
        super().prepare(home, server)
        if not self.force:
            home.put(other_login())

    def arguments(self, home, server):
        return [*LOGIN, *(["--force"] if self.force else []), server.mcp]

    def go(self, home, server, through=(), limit=60):
        running = home.start(*self.arguments(home, server), through=through, limit=limit)
        home.agreed = agree(running, server)
        return running.finish()

    def judge(self, report, what, home, server, result):
        logins = self.store(report, what, home)
        if logins is None:
            return
        kept = logins.get(server.mcp)
        old = home.old["refresh_token"]
        if self.force and kept is None:
            report.problem("damaged", f"{what}: the login before is gone")
            return
        is_new = kept is not None and kept["refresh_token"] != old
        if kept is not None and not server.good(kept["refresh_token"]):
            report.problem("damaged", f"{what}: {kept['refresh_token']} was never issued; {result.said()}")
        if result.code == 0 and not is_new:
            report.problem("wrong", f"{what}: exit 0 and nothing stored; {result.said()}")
        for successor, name in rescued(home).items():
            if result.code is not None and result.code >= 0 and name not in result.err + result.out and not is_new:
                report.problem("wrong", f"{what}: the emergency file {name} is not told; {result.said()}")
        if kept is not None:
            again = next_token(report, what, home, server)
            if again.code != 0:
                report.problem("wrong", f"{what}: the next run fails: {again.code} {again.said()}")
        else:
            running = home.start(*self.arguments(home, server))
            agree(running, server)
            again = running.finish()
            if again.code != 0 or server.mcp not in home.logins():
                report.problem("wrong", f"{what}: the next login fails: {again.code} {again.said()}")
        self.store(report, f"{what}, after the next run", home)


class Logout(Scenario):
    """A logout with revocation."""
    def arguments(self, home, server):
        return ["logout", "--store", "file", server.mcp]

    def judge(self, report, what, home, server, result):
        before = login_to(server, tokens=home.old)
        logins = self.store(report, what, home)
        if logins is None:
            return
        kept = logins.get(server.mcp)
        if kept is not None and kept != before:
            report.problem("damaged", f"{what}: neither there nor gone: {kept}")
        if result.code == 0 and kept is not None:
            report.problem("wrong", f"{what}: exit 0 and still there; {result.said()}")
        if result.code == 0 and server.good(home.old["refresh_token"]) and b"revoke" not in result.err + result.out:
            report.problem("wrong", f"{what}: not revoked, and not told; {result.said()}")
        again = home.run(*self.arguments(home, server))
        report.judge(again, f"{what}: the next logout")
        left = self.store(report, f"{what}, after the next run", home)
        if again.code != 0 or left is None or server.mcp in left:
            report.problem("wrong", f"{what}: the next logout fails: {again.code} {again.said()}")


class Reading(Scenario):
    """A command that changes no login: `status`, or `headers` and `exec` with a live one."""
    def __init__(self, name, *words, secrets=False):
        super().__init__(name)
        self.words, self.secrets = words, secrets

    def prepare(self, home, server):
        super().prepare(home, server)
        home.put(login_to(server, tokens=home.old, expires_at="2999-01-01T00:00:00Z"), other_login())
        home.before = home.text()

    def arguments(self, home, server):
        return [word.replace("SERVER", server.mcp) for word in self.words]

    def judge(self, report, what, home, server, result):
        if home.text() != home.before:
            report.problem("damaged", f"{what}: the store was changed: {home.text()[:500]!r}")
        needle = home.old["access_token"] if self.secrets else server.mcp
        if result.code == 0 and needle.encode() not in result.out:
            report.problem("wrong", f"{what}: exit 0 without its product; {result.said()}")
        again = next_token(report, what, home, server)
        if again.code != 0 or server.refreshes:
            report.problem("wrong", f"{what}: the next run fails: {again.code} {again.said()}")


class HandOver(Scenario):
    """A hand-over: the login moves to a client, or the client gets a setting, or an access token."""
    def __init__(self, client, mode, files=None):
        super().__init__(f"handover {client} {mode}")
        self.client, self.mode, self.configuration = client, mode, files or {}

    def prepare(self, home, server):
        super().prepare(home, server)
        home.put(login_to(server, tokens=home.old, expires_at="2999-01-01T00:00:00Z"), other_login())
        for name, text in self.configuration.items():
            path = os.path.join(home.home, name)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(path, "w") as file:
                file.write(text.replace("SERVER", server.mcp))

    def arguments(self, home, server):
        more = ["--fastmcp-dir", os.path.join(home.home, "fastmcp")] if self.client == "fastmcp" else []
        return [
            "handover", "--store", "file", server.mcp, "--to", self.client, "--name", "x", "--mode", self.mode,
            "--write", *more
        ]

    def judge(self, report, what, home, server, result):
        logins = self.store(report, what, home)
        if logins is None:
            return
        for name in self.configuration:
            parse(report, what, home, name)
        kept = logins.get(server.mcp)
        if kept is None:
            report.problem("damaged", f"{what}: the login is gone")
            return
        token = home.old["refresh_token"].encode()
        theirs = [name for name in home.files() if not TEMPORARY.search(name) and token in home.read(name)]
        ours = kept.get("refresh_token") == token.decode()
        if not ours and not theirs:
            report.problem("owners", f"{what}: nobody owns the refresh token; {result.said()}")
        if self.mode != "move" and (theirs or not ours):
            report.problem("owners", f"{what}: the refresh token went to {theirs}; {result.said()}")
        if result.code == 0 and self.mode == "move" and (ours or not theirs):
            report.problem("owners", f"{what}: exit 0, ours: {ours}, theirs: {theirs}")
        again = next_token(report, what, home, server)
        if again.code == 0 and (theirs or not ours):
            report.problem("owners", f"{what}: two owners: {theirs} and us; {result.said()}")
        if again.code == 3 and not TRUTH.search(again.err):
            report.problem("wrong", f"{what}: the owner is not told: {again.said()}")
        if again.code not in (0, 3) or (again.code == 3 and self.mode != "move"):
            report.problem("wrong", f"{what}: the next run fails: {again.code} {again.said()}")
        self.store(report, f"{what}, after the next run", home)


def parse(report, what, home, name):
    """The configuration of a client has to be readable, with what is not ours in it."""
    text = home.read(name)
    try:
        (tomllib.loads if name.endswith(".toml") else json.loads)(text.decode())
    except ValueError as error:
        report.problem("damaged", f"{what}: {name}: {error}: {text[:300]!r}")
    if b"theirs" not in text:
        report.problem("damaged", f"{what}: {name} lost what is not ours: {text[:300]!r}")


def servers(entry, table="mcpServers"):
    return json.dumps({table: {"x": entry, "y": {"type": "remote", "url": OTHER}}, "theirs": [1, {"a": None}]})


MOVES = {
    "mcp-remote": {
        ".config/Claude/claude_desktop_config.json": servers({"command": "npx", "args": ["-y", "mcp-remote", "SERVER"]})
    }, "gemini-cli": {".gemini/settings.json": servers({"httpUrl": "SERVER"})},
    "opencode": {".config/opencode/opencode.json": servers({"type": "remote", "url": "SERVER"}, "mcp")}, "cline": {
        ".cline/data/settings/cline_mcp_settings.json": servers({
            "transport": {"type": "streamableHttp", "url": "SERVER"}
        })
    }, "codex": {".codex/config.toml": '# theirs\n[mcp_servers.x]\nurl = "SERVER"\n'}, "hermes": {}, "fastmcp": {},
}

SETTINGS = {
    "claude-code": {".claude.json": servers({"type": "http", "url": "SERVER"})}, "codex": MOVES["codex"],
    "opencode": MOVES["opencode"],
}


def all_scenarios(job):
    """Every scenario; `job` is what the refreshing process is started with, if that is known."""
    return [
        Login("login"),
        Login("login again", force=True),
        Refresh("token"), *([Refresh("refresh", job)] if job else []),
        Logout("logout"),
        Reading("status", "status", "--json", "--store", "file"),
        Reading("headers", "headers", "--store", "file", "SERVER",
                secrets=True), *(HandOver(client, "move", files) for client, files in MOVES.items()),
        *(HandOver(client, "access", files) for client, files in SETTINGS.items()),
    ]
