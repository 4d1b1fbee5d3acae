"""Another user of the machine: forged callbacks with the right state, files planted in the way of a store.

And what a shell makes of the helper that is written for a client, whatever stands in the server's URL.
"""

import encodings.idna  # noqa: F401 (needed before the other user cannot read it any more)
import json
import os
import random
import subprocess
from urllib.parse import parse_qsl, urlencode, urlsplit

from lab import EXIT_CODES, LOGIN, Home, Report, login_to, other_login, send, visit
from server import Server

# Who the other one is: nobody, on every system.
NOBODY = 65534

BATCH = 12

SHELL = (
    "$(touch PWNED)", "`touch PWNED`", ";touch PWNED;", "|touch PWNED", "&touch PWNED&", "'$(touch PWNED)'",
    '"$(touch PWNED)"', "\\$(touch PWNED)", "${IFS}touch${IFS}PWNED", ">PWNED", "'>PWNED'", '">PWNED"',
    "<(touch PWNED)", "!touch PWNED", "~/x", "*", "{a,b}", "$HOME", "%24(touch%20PWNED)", "a'b", 'a"b', "a b", "-x",
    "--help", "#", "a#b", "(touch PWNED)", "[x]"
)


def plan(seed, scale):
    return [("users", seed, first) for first in range(0, round(480 * scale), BATCH)]


def run(case, lab):
    _, seed, first = case
    report = Report("users")
    is_root = os.geteuid() == 0
    for number in range(first, first + BATCH):
        chance = random.Random(f"{seed}/users/{number}")
        with Server() as server, Home(lab) as home:
            what = f"users {number}"
            if number % 3 == 0:
                helper(report, what, chance, home, server)
            elif not is_root:
                continue
            elif number % 3 == 1:
                forged(report, what, chance, home, server)
            else:
                planted(report, what, chance, home, server)
        report.tried += 1
    return report


def as_nobody(what):
    """Does something as the other user, in a process of its own; returns the bytes that it gives."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writer, what()[:4096])
        except Exception as error:  # noqa: BLE001
            os.write(writer, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        given = stream.read()
    os.waitpid(child, 0)
    return given


def forged(report, what, chance, home, server):
    """Somebody else has read the state from the list of processes, and sends a code, or a refusal, of his own."""
    running = home.start(*LOGIN, server.mcp)
    event = running.event("authorization_url", "error")
    if not event or event["event"] == "error":
        report.problem("wrong", f"{what}: no login; {running.finish().said()}")
        return
    state, place = dict(parse_qsl(urlsplit(event["url"]).query))["state"], urlsplit(event["redirect_uri"])
    given = chance.choice(({"code": "FORGED"}, {"error": "access_denied"}, {"error": "server_error"},
                           {"code": "FORGED", "iss": server.origin}))
    head = f"GET {place.path}?{urlencode({**given, 'state': state})} HTTP/1.1\r\nHost: {place.netloc}\r\n"
    head += "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n"
    page = as_nobody(lambda: b"SENT " + send((place.hostname, place.port), head.encode()))
    if not page.startswith(b"SENT "):
        report.problem("script", f"{what}: the other user could not send: {page[:300]!r}")
    if server.asked("/token") or running.process.poll() is not None or b"You are logged in" in page:
        report.problem("wrong", f"{what}: another user's answer was taken: {given} gives {page[:300]!r}")
    visit(server.authorize(event["url"]))
    result = running.finish()
    report.judge(result, what, {0})


def planted(report, what, chance, home, server):
    """The store is in a place where somebody else can write, or has written: it is refused, or stays the user's own."""
    shared = os.path.join(home.path, "shared")
    os.mkdir(shared)
    os.chmod(shared, chance.choice((0o1777, 0o1777, 0o777)))
    path = os.path.join(shared, "credentials.json")
    how = chance.randrange(10)
    theirs = os.path.join(home.path, "theirs")
    os.mkdir(theirs)
    os.chown(theirs, NOBODY, NOBODY)
    os.chmod(theirs, 0o755)
    target = os.path.join(theirs, "target")
    if how == 0:
        open(path, "w").close()
    elif how == 1:
        os.symlink(target, path)
    elif how == 2:
        os.mkfifo(path, 0o666)
    elif how == 3:
        os.mkdir(path)
    elif how == 4:
        open(path + ".lock", "w").close()
        os.chown(path + ".lock", NOBODY, NOBODY)
    elif how == 5:
        os.symlink(target, path + ".lock")
    elif how == 6:
        os.symlink(theirs, path + ".refresh")
    elif how == 7:
        os.mkdir(path + ".refresh", 0o777)
    elif how == 8:
        with open(path, "w") as file:
            file.write(
                json.dumps({
                    "version": 1, "logins": {
                        server.mcp: login_to(server, tokens={"access_token": "planted", "refresh_token": "planted"})
                    }
                })
            )
    else:
        path = os.path.join(theirs, "credentials.json")
    for name in os.listdir(shared):
        os.chown(os.path.join(shared, name), NOBODY, NOBODY, follow_symlinks=False)
    words = ["--json", "--store", f"file:{path}", "--no-browser", "--no-paste", "--timeout", "10s"]
    running = home.start(*words, server.mcp)
    event = running.event("authorization_url", "error")
    if event and event["event"] == "authorization_url":
        visit(server.authorize(event["url"]))
    result = running.finish()
    report.judge(result, f"{what}, plant {how}", {0, 7})
    if b"planted" in result.out:
        report.problem("wrong", f"{what}, plant {how}: a planted login was used: {result.said()}")
    for directory, names, files in os.walk(home.path):
        for name in files:
            found = os.path.join(directory, name)
            state = os.lstat(found)
            is_open = state.st_uid == NOBODY or state.st_mode & 0o077
            if os.path.isfile(found) and not os.path.islink(found) and is_open and b"-secret" in read(found):
                report.problem("damaged", f"{what}, plant {how}: another user can read the tokens in {found}")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def helper(report, what, chance, home, server):
    """The command that a client is told to ask us with, as a shell runs it."""
    odd = f"{server.mcp}?x={chance.choice(SHELL)}{chance.choice(('', chance.choice(SHELL)))}"
    kept = odd.replace(" ", "%20").replace('"', "%22").replace("<", "%3C").replace(">",
                                                                                   "%3E").replace("'",
                                                                                                  "%27").split("#")[0]
    home.put(login_to(server, kept, server.family(), expires_at="2999-01-01T00:00:00Z"), other_login())
    client, name = chance.choice((("codex", ".codex/config.toml"), ("claude-code", ".claude.json")))
    given = home.run("handover", "--store", "file", odd, "--to", client, "--name", "x", "--write")
    report.judge(given, f"{what}: {odd}", EXIT_CODES)
    text = home.read(name).decode()
    if given.code == 0:
        key = "http_headers_helper = " if client == "codex" else None
        command = json.loads(text.split(key)[1].splitlines()[0]
                             ) if key else json.loads(text)["mcpServers"]["x"]["headersHelper"]
        said = subprocess.run(["/bin/sh", "-c", command], env=home.env, cwd=home.home, capture_output=True, timeout=30)
        if b"ACCESS-" not in said.stdout:
            report.problem("wrong", f"{what}: the helper {command!r} says {said.stdout[:200]!r} {said.stderr[:300]!r}")
    found = [path for path in home.files() if path.endswith("PWNED")]
    if found:
        report.problem("damaged", f"{what}: {odd} ran a command: {found}")
