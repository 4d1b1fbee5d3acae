#!/usr/bin/env bash
# canaille==0.3.6 (an OpenID Connect server in Python, on Authlib 1.9.10), as it comes but for open registration.
#
# One would guess: refreshing early does no harm. The new access token lives as long as the one before it, and the old
# one goes on working until it expires, so that whoever still holds it can finish.
#
# Seen on 2026-11-27, Python 3.11:
# - the access token that comes for a code lives 864,000 s (ten days), the one that comes for a refresh token 3,600 s:
#   who refreshes "to be on the safe side" has 1/240 of the time left;
# - the old access token is dead at once (userinfo: 401), long before the time that it was given.
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
client_id = register(issuer)["client_id"]
answer, verifier = authorize(issuer, client_id, "accept", scope="openid profile", nonce="a-nonce")
first = exchange(issuer, client_id, answer["code"], verifier)


def userinfo(tokens: dict) -> int:
    return browser().get(f"{issuer}/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code


expect("expires_in of the token that came for a code", first["expires_in"], 864000)
expect("status of userinfo with it", userinfo(first), 200)
form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "client_id": client_id}
second = browser().post(f"{issuer}/oauth/token", data=form).raise_for_status().json()
expect("expires_in of the token that came for a refresh token", second["expires_in"], 3600)
expect("status of userinfo with the new token", userinfo(second), 200)
expect("status of userinfo with the old token", userinfo(first), 401)
PYTHON
