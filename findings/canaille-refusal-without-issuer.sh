#!/usr/bin/env bash
# canaille==0.3.6 (an OpenID Connect server in Python, on Authlib 1.9.10), as it comes but for open registration.
#
# One would guess: `nonce` is optional in the code flow (OpenID Connect Core 1.0 section 3.1.2.1); and a server whose
# metadata say `authorization_response_iss_parameter_supported: true` puts `iss` into every answer, errors too, as
# RFC 9207 section 2 demands.
#
# Seen on 2026-11-27, Python 3.11, with `response_type=code` and PKCE:
# - `scope=openid profile` without `nonce` is refused by redirect: invalid_request "Missing 'nonce' in request.";
# - that redirect has `state` but no `iss`. A client that throws away answers without `iss`, as RFC 9207 section 2.4
#   tells it to, never sees why, and waits until it gives up;
# - a user who says no is told about with `iss`, and so is a code. Only what is refused before the user is asked lacks it.
#
# Needs Python 3.11 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/canaille-0.3.6.txt"

TMPDIR=$temp PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore - <<'PYTHON'
from canaille_server import authorize, expect, metadata, register, start

issuer = start()
announced = metadata(issuer)["authorization_response_iss_parameter_supported"]
expect("authorization_response_iss_parameter_supported", announced, True)
client_id = register(issuer)["client_id"]


def answer(click: str, **more: str) -> tuple:
    found, _ = authorize(issuer, client_id, click, **more)
    return found.get("error"), found.get("error_description"), found.get("state"), found.get("iss")


missing = answer("accept", scope="openid profile")
expect("openid without nonce", missing, ("invalid_request", "Missing 'nonce' in request.", "a-state", None))
agreed = answer("accept", scope="openid profile", nonce="a-nonce")
expect("openid with nonce", agreed, (None, None, "a-state", issuer))
agreed = answer("accept", scope="profile")
expect("no openid, no nonce", agreed, (None, None, "a-state", issuer))
error, _, state, iss = answer("deny", scope="openid profile email", nonce="another-nonce")
expect("the user says no", (error, state, iss), ("access_denied", "a-state", issuer))
PYTHON
