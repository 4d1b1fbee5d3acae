// @cloudflare/workers-oauth-provider as it comes, in workerd on a free port of 127.0.0.1, and a user who says yes to everything.

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { Miniflare } from 'miniflare';

const REDIRECT_URI = 'http://127.0.0.1:53682/callback';

// A Worker as the README of the library has it: the page of consent is its own, and here it is no page.
const worker = `
import { OAuthProvider } from './oauth-provider.js';
const defaultHandler = {
  async fetch(request, env) {
    const asked = await env.OAUTH_PROVIDER.parseAuthRequest(request);
    const allowed = { request: asked, userId: 'ann', metadata: {}, scope: asked.scope, props: {} };
    return Response.redirect((await env.OAUTH_PROVIDER.completeAuthorization(allowed)).redirectTo, 302);
  },
};
const apiHandler = { fetch: () => new Response('hello') };
let provider;
export default {
  fetch(request, env, context) {
    const { origin } = new URL(request.url);
    provider ??= new OAuthProvider({
      apiRoute: '/mcp', apiHandler, defaultHandler,
      authorizeEndpoint: '/authorize', tokenEndpoint: '/token', clientRegistrationEndpoint: '/register',
      resourceMetadata: { resource: origin + '/mcp', authorization_servers: [origin] },
    });
    return provider.fetch(request, env, context);
  },
};`;

const library = new URL('../dist/oauth-provider.js', import.meta.resolve('@cloudflare/workers-oauth-provider'));
const miniflare = new Miniflare({
  host: '127.0.0.1', port: 0, cf: false, compatibilityDate: '2026-07-01', kvNamespaces: ['OAUTH_KV'],
  modules: [
    { type: 'ESModule', path: 'worker.js', contents: worker },
    { type: 'ESModule', path: 'oauth-provider.js', contents: readFileSync(library, 'utf8') },
  ],
  handleRuntimeStdio: () => {},
});
export const issuer = (await miniflare.ready).origin;
export const stop = () => miniflare.dispose();

/** Registers a public client and returns its ID. */
export async function register() {
  const wanted = { client_name: 'an application', redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' };
  const headers = { 'content-type': 'application/json' };
  return (await (await fetch(`${issuer}/register`, { method: 'POST', headers, body: JSON.stringify(wanted) })).json()).client_id;
}

/** Sends a form to the token endpoint. */
export async function token(fields) {
  const answer = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(fields) });
  const text = await answer.text();
  return { status: answer.status, ...(text ? JSON.parse(text) : {}) };
}

/** Logs the user in and returns the code and its verifier. */
export async function authorize(client_id) {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code', client_id, redirect_uri: REDIRECT_URI, state: 'a-state', code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  });
  const answer = await fetch(`${issuer}/authorize?${query}`, { redirect: 'manual' });
  return { code: new URL(answer.headers.get('location')).searchParams.get('code'), code_verifier: verifier };
}

/** Exchanges what `authorize` returned for tokens. */
export const exchange = (client_id, answer) => token({
  grant_type: 'authorization_code', client_id, redirect_uri: REDIRECT_URI, ...answer,
});

/** Logs in. */
export const login = async (client_id) => exchange(client_id, await authorize(client_id));

/** Refreshes. */
export const refresh = (client_id, refresh_token, more = {}) => token({ grant_type: 'refresh_token', client_id, refresh_token, ...more });

/** Returns the status of the MCP server with an access token. */
export const status = async (access_token) => (await fetch(`${issuer}/mcp`, { headers: { authorization: `Bearer ${access_token}` } })).status;

/** Prints what was found, and ends the run if it is not what was seen before. */
export function expect(what, found, wanted) {
  console.log(`${what}: ${found}`);
  if (found !== wanted) throw new Error(`this has changed: expected ${wanted}`);
}
