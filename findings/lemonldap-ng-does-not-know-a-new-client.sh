#!/usr/bin/env bash
# LemonLDAP::NG 2.16.1 (Debian 12) as an authorization server with open registration (RFC 7591), in one process, with a `checkTime` of ten
# seconds, between the one second that the package has and the ten minutes that the file beside it advises "to increase performances".
#
# One would guess: a client that was registered can log in with the client ID of the answer, at once.
#
# Seen on 2026-11-30: the login page of such a client is an error page, and no answer reaches the redirect URI, so that the program waits to
# its time limit. The portal writes the registration to its configuration, and reads that again when `checkTime` has passed since it
# looked last. So a program that opens the browser as soon as it has its client ID is too early, and the next attempt may be good if it
# has kept that; one that registers for each attempt is too early each time. A registration for `none` brings a secret, without which
# the code is `invalid_client`, and its answer names neither the method nor the grant types. A client that registered gets no refresh
# token, although it asked for that grant and for `offline_access`.
#
# Needs Debian 12 on x86-64 with apt-get, openssl, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cp "$here/lemonldap_ng_server.py" "$temp/"
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" liblemonldap-ng-portal-perl=2.16.1+ds-deb12u10 \
    lemonldap-ng-fastcgi-server=2.16.1+ds-deb12u10 libplack-perl=1.0050-1 libstring-random-perl=1:0.32-2 >said 2>&1 \
    || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done
openssl genrsa -out key.pem 2048 2>said || { cat said >&2; exit 1; }
openssl rsa -in key.pem -pubout -out public.pem 2>said || { cat said >&2; exit 1; }

cat >finding.py <<'PYTHON'
import json
import os
import time

from lemonldap_ng_server import REDIRECT_URI, Browser, Server, ask, expect

SCOPE, CHECK_TIME = "openid offline_access", 10
wanted = {
    "client_name": "a tool", "redirect_uris": [REDIRECT_URI], "application_type": "native", "response_types": ["code"],
    "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
}


def register(server):
    headers = {"Content-Type": "application/json"}
    status, _, body = ask(server.metadata["registration_endpoint"], json.dumps(wanted).encode(), headers)
    assert status == 201, body
    return body


def reached(server, client):
    answer = Browser(server).log_in(client, SCOPE)
    return "the redirect URI" if answer and "code" in answer else "an error page"


with Server(f"{os.getcwd()}/root", CHECK_TIME) as server:
    expect("a client that the operator entered reaches", reached(server, "tool"), "the redirect URI")
    time.sleep(CHECK_TIME + 2)
    ask(f"{server.issuer}/.well-known/openid-configuration")
    client = register(server)
    expect("a client just registered reaches", reached(server, client["client_id"]), "an error page")
    time.sleep(2)
    expect("2 s later", reached(server, client["client_id"]), "an error page")
    time.sleep(CHECK_TIME)
    expect(f"{CHECK_TIME} s after that", reached(server, client["client_id"]), "the redirect URI")

    expect("the answer to a registration for none has a secret", "client_secret" in client, True)
    expect("and the method", "token_endpoint_auth_method" in client, False)
    expect("and grant types", "grant_types" in client, False)
    code = Browser(server).log_in(client["client_id"], SCOPE)["code"]
    status, body = server.exchange(client["client_id"], code)
    expect("the code without the secret", (status, body), (400, {"error": "invalid_client"}))
    code = Browser(server).log_in(client["client_id"], SCOPE)["code"]
    status, body = server.exchange(client["client_id"], code, client_secret=client["client_secret"])
    expect("the code with it", (status, sorted(body)), (200, ["access_token", "expires_in", "id_token", "scope", "token_type"]))
    code = Browser(server).log_in("tool", SCOPE)["code"]
    expect("a refresh token for the operator's client", "refresh_token" in server.exchange("tool", code)[1], True)
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 -W ignore finding.py || { tail -5 said >&2; exit 1; }
echo "as seen on 2026-11-30"
