#!/usr/bin/env bash
# django-allauth==65.22.1 (Python) as an authorization server, on Django 5.2.19 with its default cache, in two processes with one
# database, as every site with more than one worker has it: a login with a device code (RFC 8628).
#
# One would guess: what the login needs is in the database, like the user, the client, the session and the tokens; and a code
# that has expired is `expired_token`, which section 3.5 of the RFC has for it.
#
# Seen on 2026-11-28, Python 3.11: the device code is in Django's cache, which by default is the memory of one process.
# - A poll that comes to the other process is `invalid_grant`, which ends the login in every client, mostly at the first or the
#   second poll and while the user still reads the code. The page for the code says there that the code is wrong. So the same
#   login works or not, by lot, and works always where the site is tried out with one process.
# - With one process, too, a code that has expired or was used is `invalid_grant`: a client cannot tell whether the
#   user was too slow and a new code helps.
# - And `openid` brings no ID token with the login, but with each refresh.
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
import time

from django_allauth_server import PROCESSES, agree, begin, expect, poll, post, start

try:
    one, other = start(sys.argv[1], count=2, lifetime=20)
    device, short = begin(one), begin(one)
    expect("a poll at the same process", poll(one, device), "authorization_pending")
    expect("one at the other", poll(other, device), "invalid_grant")
    expect("the other process takes the code of the user", agree(other, device), False)
    expect("the first one does", agree(one, device), True)
    expect("a poll at the other process, after that", poll(other, device), "invalid_grant")
    time.sleep(device["interval"] + 0.5)
    tokens = poll(one, device)
    expect("an ID token in the answer to the poll at the first", "id_token" in tokens, False)
    expect("a poll after the tokens", poll(one, device), "invalid_grant")
    form = {"grant_type": "refresh_token", "client_id": "a-client", "refresh_token": tokens["refresh_token"]}
    status, refreshed = post(f"{other}/identity/o/api/token", **form)
    expect("a refresh at the other process, and an ID token in its answer", (status, "id_token" in refreshed), (200, True))
    time.sleep(short["expires_in"] - device["interval"])
    expect("a poll with a code that has expired", poll(one, short), "invalid_grant")
finally:
    for process in PROCESSES:
        process.kill()
PYTHON
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here" timeout 100 "$temp/venv/bin/python" -W ignore "$temp/finding.py" "$temp/site"
echo "as seen on 2026-11-28"
