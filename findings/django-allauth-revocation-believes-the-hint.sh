#!/usr/bin/env bash
# django-allauth==65.22.1 (Python) as an authorization server: a refresh token is sent to its revocation endpoint (RFC 7009) with
# `token_type_hint=access_token`, as by a program that has one function for both kinds, or a wrong guess.
#
# One would guess: the hint saves a look-up. If the token is not of that kind, the server MUST search on (section 2.1), as its own
# introspection endpoint says in a comment that it does.
#
# Seen on 2026-11-28, Python 3.11: with the wrong hint nothing is revoked, and the answer is 200, as for a token that is not known.
# The logout counts as done, and the refresh token goes on to bring access tokens. Without a hint, or with one of a kind
# that nobody knows, it is revoked, and the access tokens of the login with it.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/django-allauth-65.22.1.txt"
mkdir "$temp/site"

cat >"$temp/finding.py" <<'PYTHON'
import sys

from django_allauth_server import PROCESSES, agree, begin, expect, poll, post, start


def revoked(site, **hint):
    """Logs in, revokes the refresh token, and returns the status and how a refresh ends."""
    device = begin(site)
    assert agree(site, device)
    token = poll(site, device)["refresh_token"]
    client = {"client_id": "a-client"}
    status, _ = post(f"{site}/identity/o/api/revoke", token=token, **hint, **client)
    _, answer = post(f"{site}/identity/o/api/token", grant_type="refresh_token", refresh_token=token, **client)
    return status, answer.get("error", "refreshed")


try:
    (site,) = start(sys.argv[1])
    expect("without a hint", revoked(site), (200, "invalid_grant"))
    expect("with that of a refresh token", revoked(site, token_type_hint="refresh_token"), (200, "invalid_grant"))
    expect("with one that nobody knows", revoked(site, token_type_hint="a-kind"), (200, "invalid_grant"))
    expect("with that of an access token", revoked(site, token_type_hint="access_token"), (200, "refreshed"))
finally:
    for process in PROCESSES:
        process.kill()
PYTHON
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here" timeout 100 "$temp/venv/bin/python" -W ignore "$temp/finding.py" "$temp/site"
echo "as seen on 2026-11-28"
