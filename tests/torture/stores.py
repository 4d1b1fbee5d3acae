"""Hostile stores and configuration files: broken, huge, deep, linked, foreign, of another kind.

What cannot be read is told, never taken for empty and never written over; nothing hangs.
"""

import json
import os
import random
import socket

import documents
from lab import EXIT_CODES, LOGIN, OTHER, Home, Report, agree, login_to, once, other_login
from server import Server

BATCH = 20

# Where clients name their servers: the file, and how it is written.
CLIENTS = (("claude-code", ".claude.json", "json"), ("codex", ".codex/config.toml", "toml"),
           ("gemini-cli", ".gemini/settings.json", "json"), ("opencode", ".config/opencode/opencode.json", "json"),
           ("cursor", ".cursor/mcp.json", "json"), ("vscode", ".config/Code/User/mcp.json",
                                                    "json"), ("windsurf", ".codeium/windsurf/mcp_config.json", "json"),
           ("claude-desktop", ".config/Claude/claude_desktop_config.json",
            "json"), ("hermes", ".hermes/config.yaml", "yaml"), ("goose", ".config/goose/config.yaml",
                                                                 "yaml"), ("zed", ".config/zed/settings.json", "json"),
           ("cline", ".cline/data/settings/cline_mcp_settings.json",
            "json"), ("mcporter", ".mcporter/mcporter.json", "json"),
           )

TABLES = {
    "opencode": "mcp", "vscode": "servers", "zed": "context_servers", "goose": "extensions", "codex": "mcp_servers",
    "hermes": "mcp_servers"
}


def plan(seed, scale):
    count = round(1_400 * scale)
    return [("stores", seed, first, min(BATCH, count - first)) for first in range(0, count, BATCH)]


def run(case, lab):
    _, seed, first, count = case
    report = Report("stores")
    for number in range(first, first + count):
        chance = random.Random(f"{seed}/stores/{number}")
        with Server() as server, Home(lab) as home:
            (configuration if number % 2 else store)(report, f"stores {number}", chance, home, server)
        report.tried += 1
    return report


def place(path, data, chance):
    """Puts bytes, or something that is no file of bytes, at a path; what it is."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    how = chance.randrange(24)
    beside = path + ".else"
    if how == 0:
        os.mkfifo(path, 0o600)
        return "fifo"
    if how == 1:
        os.mkdir(path)
        return "directory"
    if how == 2:
        os.symlink(
            chance.choice((
                "/dev/zero", "/dev/full", "/dev/random", "/proc/self/mem", "/proc/self/environ", "/dev/stdin",
                "/nonexistent/x", "/etc/passwd"
            )), path
        )
        return "device"
    if how == 3:
        os.symlink(os.path.basename(path), path)
        return "circle"
    if how == 4:
        with socket.socket(socket.AF_UNIX) as listener:
            try:
                listener.bind(path)
            except OSError:
                return "nothing"
        return "socket"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(data)
    if how == 5:
        os.link(path, beside)
        return "two names"
    if how == 6:
        os.rename(path, beside)
        os.symlink(beside, path)
        return "link"
    if how == 7:
        os.chmod(path, chance.choice((0o000, 0o644, 0o666, 0o777, 0o4777, 0o400)))
        return "mode"
    if how == 8 and os.geteuid() == 0:
        os.chown(path, 65534, 65534)
        return "foreign"
    if how == 9:
        os.chmod(os.path.dirname(path), chance.choice((0o777, 0o770, 0o1777, 0o500, 0o755)))
        return "directory's mode"
    return "file"


def broken_store(chance, good, server):
    """A store, or most of one."""
    how = chance.randrange(10)
    if how == 0:
        return good.replace(
            b'"version":1', b'"version":%s' %
            chance.choice((b"2", b"0", b"-1", b"null", b"99999999999999999999", b'"1"', b"1.5", b"[]")), 1
        )
    if how == 1:
        value = chance.choice((*documents.VALUES, *documents.NUMBERS, *documents.TEXTS))
        name = chance.choice(list(login_to(server)))
        login = {**login_to(server), name: value}
        return json.dumps({"version": 1, "logins": {server.mcp: login, OTHER: other_login()}}).encode()
    if how == 2:
        name = chance.choice(list(login_to(server)))
        login = login_to(server)
        del login[name]
        return json.dumps({"version": 1, "logins": {server.mcp: login}}).encode()
    if how == 3:
        return good.replace(
            b'"logins":{', b'"logins":{' + chance.choice(
                (b'"x":null,', b'"":{},', b'"x":[],', b'"x":"y",', b'"%b":{},' % server.mcp.encode(), b'"\\u0000":1,')
            ), 1
        )
    if how == 4:
        return documents.mutate({"version": 1, "logins": {server.mcp: login_to(server)}}, chance, server)
    if how == 5:
        many = {
            f"https://s{number}.example/mcp": login_to(server, f"https://s{number}.example/mcp")
            for number in range(200)
        }
        return json.dumps({"version": 1, "logins": many}).encode()
    if how == 6:
        return chance.choice((
            b"", b"\x00" * 4_096, b" " * 9_000, b"{" * 50_000, good + good,
            b"\xff\xfe" + good.decode().encode("utf-16-le"), b"[" * 400_000, good[:-3]
        ))
    return documents.mangle(good, chance)


def store(report, what, chance, home, server):
    """A command over a store that somebody else may have written."""
    home.put(login_to(server, tokens=server.family()), other_login())
    good = home.text().encode()
    data = broken_store(chance, good, server) if chance.random() < 0.75 else good
    name = chance.choice(
        ("credentials.json",) * 7 +
        ("index.json", "credentials.json.lock", "handover.lock", "registrations.json", "metadata.json")
    )
    path = os.path.join(home.data, name)
    kind = place(path, data, chance)
    what = f"{what}, {kind} {name}"
    command = chance.choice((["token", server.mcp], ["status", "--json"], ["logout", server.mcp], ["logout", "--all"],
                             ["doctor"], ["headers", server.mcp], ["login"]))
    before = content(path) if kind == "file" else None
    if command == ["login"]:
        running = home.start(*LOGIN, "--force", server.mcp)
        agree(running, server)
        result = running.finish()
        codes = EXIT_CODES | {-15}
    else:
        result = home.run(command[0], "--store", "file", *command[1:])
        codes = EXIT_CODES
    what = f"{what}, {command[0]}"
    report.judge(result, what, codes, secrets_on_stdout=command[0] in ("token", "headers"))
    if before is not None and name == "credentials.json" and command != ["logout", "--all"]:
        kept(report, what, before, content(path), server)


def kept(report, what, before, after, server):
    """A file that is no store stays as it is; in one that is, the entries that the command was not about do."""
    try:
        old = {key: value for key, value in entries(before).items() if key != server.mcp}
    except (ValueError, AttributeError, TypeError, RecursionError):
        if after != before:
            report.problem(
                "damaged",
                f"{what}: what cannot be read was written over; {before[:200]!r} is {after[:200] if after else after!r}"
            )
        return
    try:
        new = entries(after or b"")
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        report.problem("damaged", f"{what}: {error}: {before[:200]!r} is {after[:200] if after else after!r}")
        return
    if {key: new.get(key) for key in old} != old:
        report.problem("damaged", f"{what}: other entries were changed; {before[:300]!r} is {after[:300]!r}")


def entries(data):
    read = json.loads(data.removeprefix(b"\xef\xbb\xbf").decode(), object_pairs_hook=once)
    return dict(read["logins"].items()) if "logins" in read else {}


def content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def written(entry, form, table, chance):
    """A configuration that names one server, or something like one."""
    if form == "json":
        document = {table: {"x": entry, "y": {"type": "stdio", "command": "c"}}, "theirs": 1}
        how = chance.randrange(6)
        if how == 0:
            return b"/* c */ " + json.dumps(document).encode() + b" // d"
        if how == 1:
            return json.dumps({table: chance.choice(documents.VALUES)}).encode()
        if how == 2:
            return b'{"%b":' % table.encode() * 100_000
        if how == 3:
            return json.dumps({table: {chance.choice(documents.TEXTS): entry}},
                              ensure_ascii=False).encode("utf-8", "surrogatepass")
        return json.dumps(document).encode()
    if form == "toml":
        value = json.dumps(entry.get("url") if isinstance(entry.get("url"), str) else "x")
        return chance.choice((
            f"[{table}.x]\nurl = {value}\n".encode(), f"[{table}.x]\nurl = {value}\nurl = {value}\n".encode(),
            b"a." * 20_000 + b"b = 1\n", b"[" * 50_000, b"x = " + b"[" * 50_000, b"x = " + b"{a=" * 20_000,
            f"[{table}.'\x1b[2J']\nurl = {value}\n".encode(), b"[[%b]]\nx = 1\n" % table.encode(),
            f"{table} = 7\n".encode(),
            f"[{table}]\n".encode() + b"".join(b"x%d = 1\n" % number
                                               for number in range(20_000)), b"x = '''" + b"a" * 500_000,
        ))
    value = json.dumps(entry)
    return chance.choice((
        f"{table}:\n  x: {value}\n".encode(), b"a: &a [x]\n" +
        b"".join(b"b%d: &b%d [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" % (number, number) for number in range(30)),
        b"a: &a\n  <<: *a\n", b"a: &x {<<: [*x, *x]}\n", b"- " * 50_000, b"{" * 50_000, b"? " * 20_000,
        f"{table}: !!python/object:os.system {value}\n".encode(), f"{table}: !!binary {value}\n".encode(),
        b"--- a\n" * 20_000, b"a: " + b"'" * 100_001, b"%YAML 9.9\n---\na: 1\n", f"{table}: *nobody\n".encode(),
        b"\t\ta: 1\n", f"{table}:\n  x: {value}\n  x: {value}\n".encode(), b"a: |\n" + b"  x\n" * 100_000,
        b"a: 0x" + b"f" * 90_000, f"{table}:\n  \"\\e[2J\": {value}\n".encode(),
    ))


def configuration(report, what, chance, home, server):
    """A login by a name, or a list of names, out of configurations that somebody else may have written."""
    client, name, form = chance.choice(CLIENTS)
    table = TABLES.get(client, "mcpServers")
    url = chance.choice((server.mcp, *documents.urls(server), *documents.TEXTS, *documents.VALUES))
    entry = {
        "type": chance.choice(("http", "sse", "remote", 7, None)), "url": url, "httpUrl": url, "uri": url,
        "serverUrl": url, "baseUrl": url
    }
    if chance.random() < 0.3:
        entry["oauth"] = {
            "clientId": chance.choice(documents.TEXTS), "callbackPort": chance.choice((0, 70_000, "x", -1, 1e9)),
            "scopes": chance.choice(documents.VALUES)
        }
        entry["auth"], entry["headers"] = chance.choice(documents.VALUES), {
            chance.choice(documents.TEXTS): chance.choice(documents.TEXTS)
        }
    data = written(entry, form, table, chance)
    if chance.random() < 0.3:
        data = documents.mangle(data[:200_000], chance)
    in_project = chance.random() < 0.3 and client in ("codex", "opencode", "cursor", "gemini-cli")
    base = os.path.join(home.path, "project") if in_project else home.home
    path = os.path.join(base, os.path.basename(name) if client == "opencode" and in_project else name)
    kind = place(path, data, chance)
    os.makedirs(base, exist_ok=True)
    what = f"{what}, {kind} {client}"
    words = chance.choice((["status"], ["x"], ["status", "--from",
                                               client], ["doctor"], ["--all"], [f"{client}:x"], ["token", "x"]))
    if words[0] in ("x", "--all") or ":" in words[0]:
        words = [*LOGIN[:-2], "--timeout", "10s", *words]
    running = home.start(*words, cwd=base, limit=40)
    if words[0] == "--json":
        event = running.event("authorization_url", "error", "logged_in")
        if event and event["event"] == "authorization_url":
            running.end()
    result = running.finish()
    report.judge(result, f"{what}, {words}", EXIT_CODES | {-15})
