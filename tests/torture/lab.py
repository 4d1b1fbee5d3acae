"""Runs the program in a home of its own, under a time limit, and judges what every run has to keep to."""

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from urllib.parse import urlsplit

# What a run may end with: the documented exit codes. 70 is a bug, and a signal that nobody sent is one too.
EXIT_CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}

# What may stand on stdout and stderr where the locale is C: printable ASCII, and line ends.
CLEAN = re.compile(rb"[ -~\n]*\Z")

# Every secret that the servers and the homes of this run give out.
SECRET = re.compile(rb"(?:ACCESS|REFRESH|CODE)-\w+-secret")

# What is judged, and the column of the table that it stands in.
COLUMNS = ("damaged", "owners", "hangs", "raw", "wrong")


class Report:
    """What came of one case: how many trials it was, and what was wrong."""
    def __init__(self, kind, tried=0):
        self.kind, self.tried, self.problems, self.codes = kind, tried, [], Counter()
        # Refreshes that ended between the server's answer and the store: the one loss that cannot be prevented.
        self.lost = 0

    def problem(self, column, text):
        self.problems.append((column, text))

    def judge(self, result, what, codes=EXIT_CODES, secrets_on_stdout=False):
        """Judges what holds for every run, whatever it met."""
        self.codes[result.code] += 1
        if result.hung:
            self.problem("hangs", f"{what}: not ended after {result.limit} s")
        elif result.code not in codes:
            self.problem("wrong", f"{what}: exit {result.code}; {result.said()}")
        for name, text in (("stdout", result.out), ("stderr", result.err)):
            if not CLEAN.match(text):
                self.problem("raw", f"{what}: {name} {text[:600]!r}")
            if SECRET.search(text) and not (secrets_on_stdout and name == "stdout"):
                self.problem("wrong", f"{what}: a secret on {name}: {text[:600]!r}")


class Result:
    """A run after its end."""
    def __init__(self, code, out, err, hung, limit):
        self.code, self.out, self.err, self.hung, self.limit = code, out, err, hung, limit

    def events(self):
        """The lines of stdout that are JSON objects."""
        found = []
        for line in self.out.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                pass
        return [event for event in found if isinstance(event, dict)]

    def said(self):
        return f"stdout {self.out[-300:]!r} stderr {self.err[-500:]!r}"


class Running:
    """The program while it runs: its stdout is read as it comes, up to a deadline."""
    def __init__(self, argv, env, limit, cwd=None, stdin=None, user=None, close_stdin=True, stdin_of=None):
        self.limit, self.deadline, self.out, self.pending = limit, time.monotonic() + limit, b"", b""
        self.err = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE if stdin is not None else stdin_of or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.err,
            start_new_session=True,
            user=user
        )
        if stdin is not None:
            self.type_in(stdin)
            if close_stdin:
                self.process.stdin.close()

    def type_in(self, text):
        try:
            self.process.stdin.write(text)
            self.process.stdin.flush()
        except OSError:
            pass

    def _read(self):
        """Reads what there is; False at the end of stdout or when the time is up."""
        left = self.deadline - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            return False
        piece = os.read(self.process.stdout.fileno(), 1 << 16)
        self.out += piece
        self.pending += piece
        return bool(piece)

    def event(self, *kinds):
        """Waits for the next event of these kinds; None if the program ends, or the time, before it comes."""
        while True:
            while b"\n" in self.pending:
                line, self.pending = self.pending.split(b"\n", 1)
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict) and event.get("event") in kinds:
                    return event
            if not self._read():
                return None

    def ends_within(self, seconds):
        """Reads until the program ends, or the time does; whether it ended."""
        deadline, self.deadline = self.deadline, time.monotonic() + seconds
        while self._read():
            pass
        ended = self.deadline > time.monotonic()
        self.deadline = deadline
        return ended

    def end(self, number=signal.SIGTERM):
        """Sends a signal to the program."""
        try:
            self.process.send_signal(number)
        except OSError:
            pass

    def finish(self):
        """Waits for the end; whatever is left at the deadline is killed."""
        while self._read():
            pass
        hung = False
        try:
            code = self.process.wait(max(0.1, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            hung, code = True, None
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except OSError:
                pass
        self.process.stdout.close()
        self.err.seek(0)
        err = self.err.read()
        self.err.close()
        return Result(code, self.out, err, hung, self.limit)


class Home:
    """A home directory with nothing in it, or with logins."""
    def __init__(self, lab, name="home"):
        self.lab = lab
        self.path = tempfile.mkdtemp(prefix="t-", dir=lab.root)
        self.home = os.path.join(self.path, name)
        self.data = os.path.join(self.home, ".local/share/mcp-login")
        self.file = os.path.join(self.data, "credentials.json")
        for directory in ("run", "tmp"):
            os.mkdir(os.path.join(self.path, directory), 0o700)
        os.mkdir(self.home, 0o700)
        self.env = {
            "HOME": self.home, "PATH": "/usr/bin:/bin", "LC_ALL": "C", "TMPDIR": os.path.join(self.path, "tmp"),
            "XDG_RUNTIME_DIR": os.path.join(self.path, "run"), "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def start(self, *args, limit=45, env=None, through=(), binary=None, **rest):
        """Starts the program with these arguments."""
        argv = [*through, binary or self.lab.binary, *args]
        return Running(argv, {**self.env, **(env or {})}, limit, cwd=rest.pop("cwd", self.home), **rest)

    def run(self, *args, **rest):
        return self.start(*args, **rest).finish()

    def put(self, *logins):
        """Writes the credentials file as the program does."""
        os.makedirs(self.data, mode=0o700, exist_ok=True)
        lines = ",\n".join(f"{json.dumps(login['server'])}: {json.dumps(login)}" for login in logins)
        with open(os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f'{{"version":1,"logins":{{\n{lines}\n}}}}\n')

    def expire(self):
        """Lets all access tokens expire."""
        logins = self.logins().values()
        self.put(*({**login, **EXPIRED} for login in logins))

    def text(self):
        try:
            with open(self.file, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def logins(self):
        """All logins by account; raises ValueError if the store is damaged."""
        text = self.text()
        if text is None:
            return {}
        read = json.loads(text, object_pairs_hook=once)
        if read.get("version") != 1 or not isinstance(read.get("logins"), dict):
            raise ValueError("no store")
        return read["logins"]

    def files(self):
        """The paths of all files below, relative to the home."""
        found = []
        for directory, _, names in os.walk(self.path):
            found += [os.path.relpath(os.path.join(directory, name), self.home) for name in names]
        return found

    def read(self, name):
        try:
            with open(os.path.join(self.home, name), "rb") as file:
                return file.read()
        except OSError:
            return b""


def once(pairs):
    """A JSON object whose names must differ."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands there twice")
    return members


EXPIRED = {"obtained_at": "2020-01-01T00:00:00Z", "expires_at": "2020-01-01T01:00:00Z"}

# A login that no run is about: whatever happens, it has to stay as it is.
OTHER = "https://other.example/mcp"


def login_to(server, url=None, tokens=None, **members):
    """An expired login, as the store keeps it."""
    tokens = tokens or {"access_token": "ACCESS-other-secret", "refresh_token": "REFRESH-other-secret"}
    here = server.origin if server else "https://other.example"
    url = url or (server.mcp if server else OTHER)
    return {
        "server": url, "profile": "default", "generation": 1, "issuer": here, "resource": url, "registration": "dcr",
        "client_id": "mine", "client_secret": None, "client_auth": "none",
        "redirect_uri": "http://127.0.0.1:40000/callback", "token_endpoint": f"{here}/token",
        "revocation_endpoint": f"{here}/revoke", "scopes_requested": ["read"], "scopes": ["read"], "account": None,
        "access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"], **EXPIRED, **members,
    }


def other_login():
    return login_to(None, obtained_at="2020-01-01T00:00:00Z", expires_at="2999-01-01T00:00:00Z")


def send(address, data, limit=10.0, wait=True):
    """Sends bytes to a port and reads the answer to its end, as far as one comes."""
    with socket.create_connection(address, limit) as stream:
        received = b""
        try:
            stream.sendall(data)
            while wait and (piece := stream.recv(1 << 16)):
                received += piece
        except OSError:
            pass
        return received


def visit(url, limit=15.0):
    """Visits an address as a browser does; returns the status, 0 without an answer."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = (
        f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\nSec-Fetch-Site: cross-site\r\n"
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n"
    )
    try:
        received = send((parts.hostname, parts.port), head.encode(), limit)
    except OSError:
        return 0
    words = received.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def agree(running, server):
    """Walks a login as a browser does, if it gets as far as that. Whether it did."""
    event = running.event("authorization_url", "error", "logged_in")
    if not event or event["event"] != "authorization_url":
        return False
    target = server.authorize(event["url"])
    if target is None:
        running.end()
        return False
    return visit(target) == 200


LOGIN = ("--json", "--store", "file", "--no-browser", "--no-paste", "--timeout", "10s")


class Lab:
    """What one worker has: the program, and a place for homes."""
    def __init__(self, binary, root):
        self.binary, self.root = binary, root
