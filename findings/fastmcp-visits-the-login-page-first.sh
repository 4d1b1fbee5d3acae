#!/usr/bin/env bash
# fastmcp==4.2.3 (Python) as a client that logs in (`auth="oauth"`) at an authorization server whose login page answers 401 with
# `WWW-Authenticate: Negotiate` first, as those with single sign-on by Kerberos do; a browser goes on from there by itself.
#
# One would guess: the address of the authorization endpoint is for the browser (RFC 6749 section 3.1), and what it
# answers is between the two; the client waits for the redirect to its callback.
#
# Seen on 2026-11-28, Python 3.11: the client requests the address itself, and opens no browser unless the answer is 200 or a
# redirect: `Unexpected authorization response: 401`. So at this server nobody can log in, nor at one whose gateway answers
# programs with 403, though any browser can, and opening the address by hand is no way out, as it is not shown. A server that
# answers 200 gets a request of the program before each one of the browser, with the same `state` and the same challenge; it
# counts and audits twice what took place once.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/fastmcp-4.2.3.txt"
cp "$here/fastmcp_login.py" "$temp/"
cd "$temp"

cat >finding.py <<'PYTHON'
import anyio
from fastmcp_login import Browser, Server, expect, later, tools, visit_until_answered, visitors

opened = []


def go(url):
    opened.append(url)
    visit_until_answered(url)


Browser.then = later(go)
expect("login page with 200, the client gets", anyio.run(tools), ["hello"])
expect("the first two visitors", visitors[:2], ["client", "browser"])
visitors.clear()
opened.clear()
Server.single_sign_on = True
try:
    error = anyio.run(tools)
except RuntimeError as raised:
    error = str(raised)
expect("with 401 and Negotiate", error, "Client failed to connect: Unexpected authorization response: 401")
expect("visitors", visitors, ["client"])
expect("browsers opened", len(opened), 0)
PYTHON
HOME="$temp" PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py 2>log || { cat log; exit 1; }
echo "as seen on 2026-11-28"
