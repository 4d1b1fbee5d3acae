#!/usr/bin/env bash
# canaille==0.3.6 (an OpenID Connect server in Python, on Authlib 1.9.10), as it comes but for open registration.
#
# One would guess: a client that registers with `token_endpoint_auth_method: none` has no secret, and so a
# `client_secret` in the answer may be thrown away; and a server that takes `none` at the token endpoint lets a public
# client revoke its own tokens, as RFC 7009 section 2.1 says.
#
# Seen on 2026-11-27, Python 3.11:
# - the registration echoes `none` and brings a `client_secret` all the same, which never expires;
# - `none` is what the token endpoint wants then: with that secret by Basic it answers 401 invalid_client;
# - the revocation endpoint is the other way round: 401 invalid_client for the public client, 200 with the secret by
#   Basic, and only then is the token dead.
# So the secret that nobody asked for has to be kept, for one endpoint only.
#
# Needs Python 3.11 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/canaille-0.3.6.txt"

TMPDIR=$temp PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore - <<'PYTHON'
from canaille_server import authorize, browser, exchange, expect, register, start

issuer = start()
client = register(issuer)
expect("token_endpoint_auth_method of the client", client["token_endpoint_auth_method"], "none")
expect("it has a client_secret", bool(client.get("client_secret")), True)
expect("client_secret_expires_at", client["client_secret_expires_at"], 0)

answer, verifier = authorize(issuer, client["client_id"], "accept", scope="openid profile", nonce="a-nonce")
tokens = exchange(issuer, client["client_id"], answer["code"], verifier)
secret = (client["client_id"], client["client_secret"])


def ask(endpoint: str, form: dict, auth: tuple | None) -> tuple[int, str | None]:
    form = form if auth else {**form, "client_id": client["client_id"]}
    response = browser().post(f"{issuer}/oauth/{endpoint}", data=form, auth=auth)
    return response.status_code, response.json().get("error")


def userinfo() -> int:
    return browser().get(f"{issuer}/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code


refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
expect("a refresh with the secret by Basic", ask("token", refresh, secret), (401, "invalid_client"))
revocation = {"token": tokens["access_token"], "token_type_hint": "access_token"}
expect("revocation by the public client", ask("revoke", revocation, None), (401, "invalid_client"))
expect("status of userinfo after that", userinfo(), 200)
expect("revocation with the secret by Basic", ask("revoke", revocation, secret), (200, None))
expect("status of userinfo after that", userinfo(), 401)
PYTHON
