#!/usr/bin/env bash
# mcp==2.3.0 (the official MCP SDK for Python): the authorization server that it brings for MCP servers, and a public client
# that has registered a redirect URI on loopback, as the clients of MCP do.
#
# One would guess: the server "MUST allow any port to be specified at the time of the request" for such a URI (RFC 8252 section
# 7.3), so that a client whose port is taken uses another one with its registration.
#
# Seen on 2026-11-28, Python 3.11: another port is refused, with 400 and JSON in the person's browser, so that the client hears
# nothing and waits until it gives up. The registered port is answered with a code. So a client has to register anew for each
# port, which makes the refresh tokens of its old registration worthless where it keeps only one, or to hold one port for good.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
cp "$here/python_sdk_server.py" "$temp/"

cat >"$temp/finding.py" <<'PYTHON'
import json
from urllib.parse import urlencode, urlsplit

from python_sdk_server import ask, expect, register

client = register("http://127.0.0.1:53682/callback", "none")


def authorize(port):
    """Where the browser goes from the authorization endpoint, or what it shows."""
    query = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": f"http://127.0.0.1:{port}/callback",
        "state": "a-state",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    status, headers, body = ask(f"/authorize?{urlencode(query)}")
    if headers["Location"]:
        return f"{status} to port {urlsplit(headers['Location']).port}"
    words = json.loads(body)
    return f"{status} {headers.get_content_type()} {words['error']}: {words['error_description']}"


refused = "400 application/json invalid_request: Redirect URI 'http://127.0.0.1:53683/callback' not registered for client"
expect("the registered port", authorize(53682), "302 to port 53682")
expect("another port", authorize(53683), refused)
PYTHON
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore "$temp/finding.py"
echo "as seen on 2026-11-28"
