#!/usr/bin/env bash
# mcp==2.3.0 (the official MCP SDK for Python): the authorization server that it brings for MCP servers, with registration and
# revocation on.
#
# One would guess: each client that it registers can revoke its own tokens, with the authentication that it has at the token
# endpoint: a public client by its `client_id` (RFC 7009 section 2.1), and one with `client_secret_basic` by the header alone
# (RFC 6749 section 2.3.1).
#
# Seen on 2026-11-28, Python 3.11: only a client with `client_secret_post` can. A public client, as which MCP clients register,
# gets 400 `invalid_request`, "client_secret: Field required", though it has none; one with the header gets 401 "Missing
# client_id", and with `client_id` added to the body the same 400 as the public one. The refresh tokens live on. Where the
# field is sent and is empty, both revoke. So a logout leaves good tokens at such a server, for a client that does as the
# standards say.
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
import base64
import json

from python_sdk_server import ask, expect, provider, register


def revoked(method, fields, with_header=False):
    """What a client gets for the revocation of its refresh token, and whether the token is dead then."""
    client = register("http://127.0.0.1:53682/callback", method)
    token = provider.issue(client["client_id"])
    own = {"client_id": client["client_id"], "client_secret": client.get("client_secret")}
    pair = f"{own['client_id']}:{own['client_secret']}"
    header = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()} if with_header else {}
    form = {"token": token} | {name: own[name] if value is None else value for name, value in fields.items()}
    status, _, body = ask("/revoke", form, header)
    words = json.loads(body or "{}")
    said = f"{status} {words.get('error', '')} {words.get('error_description') or ''}".strip()
    return f"{said}, {'revoked' if token not in provider.tokens else 'alive'}"


required = "400 invalid_request client_secret: Field required, alive"
missing = "401 unauthorized_client Missing client_id, alive"
post = {"client_id": None, "client_secret": None}
public = {"client_id": None}
expect("client_secret_post", revoked("client_secret_post", post), "200, revoked")
expect("none", revoked("none", public), required)
expect("none, with an empty field", revoked("none", public | {"client_secret": ""}), "200, revoked")
expect("client_secret_basic", revoked("client_secret_basic", {}, True), missing)
expect("client_secret_basic, with client_id", revoked("client_secret_basic", public, True), required)
empty = public | {"client_secret": ""}
expect("the same, with an empty field", revoked("client_secret_basic", empty, True), "200, revoked")
PYTHON
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore "$temp/finding.py"
echo "as seen on 2026-11-28"
