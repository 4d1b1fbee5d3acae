#!/usr/bin/env bash
# mod_auth_openidc 2.4.12.3 (`AuthType oauth20`) and mod_oauth2 3.3.1 with Apache 2.4.71 (Debian 12), before an API, with an authorization
# server that they ask about each token (RFC 7662).
#
# One would guess: who asks the authorization server, in place of checking a signature, wants to hear of a revocation, at the next
# request or within seconds.
#
# Seen on 2026-11-29: both remember the answer. A token that has been revoked since its first use, with an hour left, is good at the API,
# and nobody is asked: a logout that revokes it takes nothing away from whoever has it. A token of which the answer has no `exp` is
# asked about each time by mod_auth_openidc, and once by mod_oauth2. With `OIDCOAuthTokenIntrospectionInterval` 0 that stays so, with -1
# mod_auth_openidc asks each time. That a token is not active neither of them remembers.
#
# Needs Debian 12 on x86-64 with apt-get, openssl, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
chmod 755 "$temp"
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" apache2-bin=2.4.71-1~deb12u1 libapache2-mod-auth-openidc=2.4.12.3-2+deb12u5 \
    libapache2-mod-oauth2=3.3.1-1 libcjose0=0.6.2.1-1+deb12u2 liboauth2-0=1.4.5.4-1 liboauth2-apache0=1.4.5.4-1 \
    libapr1=1.7.2-3+deb12u1 libaprutil1=1.6.3-1+deb12u1 libhiredis0.14=0.14.1-3 libmemcached11=1.1.4-1 libhashkit2=1.1.4-1 \
    liblua5.3-0=5.3.6-2 >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done
# They want https for the introspection.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2>said || { cat said >&2; exit 1; }

cat >finding.py <<'PYTHON'
import json
import os
import pathlib
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

here = os.getcwd()
said, asked = {}, []


class Server(BaseHTTPRequestHandler):
    """The API, and the authorization server, which says of each token what `said` has."""

    def do_GET(self):
        self.answer({})

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked.append(form)
        self.answer(said)

    def answer(self, body):
        body = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


api, issuer = (ThreadingHTTPServer(("127.0.0.1", 0), Server) for _ in "ab")
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("cert.pem", "key.pem")
issuer.socket = tls.wrap_socket(issuer.socket, server_side=True)
for server in (api, issuer):
    threading.Thread(target=server.serve_forever, daemon=True).start()
introspection = f"https://127.0.0.1:{issuer.server_port}/introspect"
modules = f"{here}/root/usr/lib/apache2/modules"
COMMON = f"""
ServerRoot {here}
ServerName 127.0.0.1
PidFile {here}/pid
ErrorLog {here}/log
User nobody
Group nogroup
ProxyPass / http://127.0.0.1:{api.server_port}/
""" + "".join(
    f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in ("mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http")
)
OPENIDC = f"""
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
OIDCOAuthIntrospectionEndpoint {introspection}
OIDCOAuthClientID api
OIDCOAuthClientSecret a-secret
OIDCOAuthRemoteUserClaim sub
OIDCOAuthSSLValidateServer Off
OIDCCryptoPassphrase for-this-run-only
<Location />
AuthType oauth20
Require valid-user
</Location>
"""
OAUTH2 = f"""
LoadModule oauth2_module {modules}/mod_oauth2.so
<Location />
AuthType oauth2
OAuth2TokenVerify introspect {introspection} introspect.auth=client_secret_basic&client_id=api&client_secret=a-secret&introspect.ssl_verify=false
OAuth2TargetPass remote_user_claim=sub
Require valid-user
</Location>
"""
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def behind(config):
    """Two requests with each token, of which the authorization server says first this and then that."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pathlib.Path("conf").write_text(f"{COMMON}Listen 127.0.0.1:{port}\n{config}")
    libraries = os.environ | {"LD_LIBRARY_PATH": f"{here}/root/usr/lib/x86_64-linux-gnu"}
    apache = subprocess.Popen([f"{here}/root/usr/sbin/apache2", "-d", here, "-f", f"{here}/conf", "-DFOREGROUND"], env=libraries)
    try:
        until = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < until and apache.poll() is None, "Apache did not start"
            time.sleep(0.1)

        def request(token, answer):
            said.clear()
            said.update(answer)
            asked.clear()
            headers = {"Authorization": f"Bearer {token}"}
            try:
                with opener.open(urllib.request.Request(f"http://127.0.0.1:{port}/", headers=headers), timeout=60) as good:
                    status = good.status
            except urllib.error.HTTPError as error:
                status = error.code
            return f"{status}, {'asked' if asked else 'not asked'}"

        active = {"active": True, "sub": "ann", "client_id": "client"}
        ended, live = {"active": False}, active | {"exp": int(time.time()) + 3600}
        return {
            "revoked": [request("revoked", live), request("revoked", ended)],
            "without an end, revoked": [request("endless", active), request("endless", ended)],
            "unknown, then known": [request("late", ended), request("late", live)],
        }
    finally:
        apache.terminate()
        apache.wait()


def expect(what, seen, *wanted):
    for token, answers in seen.items():
        print(f"{what}: {token}: {'; '.join(answers)}")
    assert list(seen.values()) == list(wanted), f"expected {wanted}"


good, cached, refused = "200, asked", "200, not asked", "401, asked"
expect("mod_auth_openidc", behind(OPENIDC), [good, cached], [good, refused], [refused, good])
expect("mod_oauth2", behind(OAUTH2), [good, cached], [good, cached], [refused, good])


def interval(seconds):
    return behind(OPENIDC.replace("<Location />", f"<Location />\nOIDCOAuthTokenIntrospectionInterval {seconds}"))


expect("mod_auth_openidc, interval 0", interval(0), [good, cached], [good, refused], [refused, good])
expect("mod_auth_openidc, interval -1", interval(-1), [good, refused], [good, refused], [refused, good])
PYTHON
python3 -W ignore finding.py || { tail -5 log >&2; exit 1; }
echo "as seen on 2026-11-29"
