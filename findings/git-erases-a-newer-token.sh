#!/usr/bin/env bash
# git 2.39.5 (Debian 12) with its helpers `store` and `cache`, which keep an access token as the password, as helpers for
# OAuth do. The token has expired, and two programs work with the repository; one of them has stored a new token.
#
# One would guess: git erases the password that the server has refused, and a newer one stays.
#
# Seen on 2026-11-28: git tells the helper which user and password were refused, and both helpers erase whatever they have
# for that user and host. So the program that was late erases the token that the other one got from a refresh, and with a
# helper that asks the user the next command is a login again. With `store` of git 2.47.3 the newer one stays.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" git=1:2.39.5-0+deb12u3 libcurl3-gnutls=7.88.1-10+deb12u15 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in git_ libcurl3-gnutls_; do
    dpkg-deb --extract "$temp/packages/$package"*.deb "$temp/root"
done

cat >"$temp/finding.py" <<'PYTHON'
import base64
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

root, temp = sys.argv[1:]
arrived, answer = threading.Event(), threading.Event()


class Server(BaseHTTPRequestHandler):
    """An empty repository for who has the new token. It answers the old one when the test says so."""

    def do_GET(self):
        header = self.headers.get("Authorization", "").removeprefix("Basic ")
        password = base64.b64decode(header).decode().partition(":")[2]
        if password == "old":
            arrived.set()
            assert answer.wait(60)
        self.send_response(200 if password == "new" else 401)
        if password != "new":
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
host = f"127.0.0.1:{server.server_port}"


class Program:
    """git with a home, and so a helper, of its own."""

    def __init__(self, helper):
        self.helper = helper
        home = os.path.join(temp, helper)
        os.mkdir(home)
        self.env = {
            "PATH": f"{root}/usr/bin:/usr/bin:/bin",
            "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu",
            "GIT_EXEC_PATH": f"{root}/usr/lib/git-core",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "HOME": home,
        }
        assert self.git("--version").stdout.strip() == "git version 2.39.5"

    def start(self, *arguments):
        command = ["git", "-c", f"credential.helper={self.helper}", *arguments]
        pipe = subprocess.PIPE
        # The helper `cache` leaves a daemon that keeps stderr open.
        return subprocess.Popen(command, env=self.env, cwd=temp, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)

    def git(self, *arguments, stdin=""):
        started = self.start(*arguments)
        out, _ = started.communicate(stdin, timeout=60)
        return subprocess.CompletedProcess(started.args, started.returncode, out)

    def approve(self, password):
        credential = f"protocol=http\nhost={host}\nusername=ann\npassword={password}\n\n"
        assert self.git("credential", "approve", stdin=credential).returncode == 0

    def stored(self):
        said = self.git("credential", "fill", stdin=f"protocol=http\nhost={host}\nusername=ann\n\n").stdout
        return dict(line.split("=", 1) for line in said.splitlines()).get("password")


for helper in ("store", "cache"):
    arrived.clear()
    answer.clear()
    program = Program(helper)
    try:
        program.approve("old")
        late = program.start("ls-remote", f"http://ann@{host}/repository")
        assert arrived.wait(60)
        program.approve("new")
        before = program.stored()
        answer.set()
        late.communicate(timeout=60)
        after = program.stored()
    finally:
        if helper == "cache":
            program.git("credential-cache", "exit")
    print(f"{helper}: {before} is stored; after the other program was refused with the old one: {after}")
    assert (before, after) == ("new", None)
PYTHON
python3 "$temp/finding.py" "$temp/root" "$temp"
echo "as seen on 2026-11-28"
