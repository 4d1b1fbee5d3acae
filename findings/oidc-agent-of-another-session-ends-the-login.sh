#!/usr/bin/env bash
# oidc-agent 4.2.6 (Debian 12): one account, and an agent in each of two sessions of its user, as with ssh-agent. The server
# rotates refresh tokens.
#
# One would guess: the account is in a file of the user's, where the agents write the new refresh token, so each finds it
# there.
#
# Seen on 2026-11-28: loading an account spends the stored refresh token, and the file gets the new one. The agent that had
# loaded it before keeps the old one in memory and never reads the file again: from then on every `oidc-token` in the first
# session is `invalid_grant`, until the account is loaded anew, which ends the second session's. At a server that takes a
# used refresh token for a stolen one (RFC 9700 section 4.14.2), the next `oidc-token` of the first session ends the login
# in all sessions.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" oidc-agent-cli=4.2.6-1 liboidc-agent4=4.2.6-1 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done

cat >"$temp/finding.py" <<'PYTHON'
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

root, home = sys.argv[1:]
os.makedirs(f"{home}/.config/oidc-agent", 0o700)


class Server(BaseHTTPRequestHandler):
    """The authorization server: a refresh token is good once. It ends the login at the second use if it is strict."""

    live, used, number, strict, ended = {"refresh-0"}, set(), 0, False, False

    def do_GET(self):
        self.answer(200, {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}authorize",
            "token_endpoint": f"{issuer}token",
            "scopes_supported": ["openid", "offline_access"],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
        })

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token, state = form["refresh_token"][0], Server
        if token in state.used and state.strict:
            state.live.clear()
        if token not in state.live:
            return self.answer(400, {"error": "invalid_grant"})
        state.live.remove(token)
        state.used.add(token)
        state.number += 1
        state.live.add(f"refresh-{state.number}")
        self.answer(200, {
            "access_token": f"access-{state.number}",
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "openid offline_access",
            "refresh_token": f"refresh-{state.number}",
        })

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
issuer = f"http://127.0.0.1:{server.server_port}/"


class Session:
    """A session of the user with an agent of its own."""

    def __init__(self):
        self.env = {
            "PATH": f"{root}/usr/bin:/usr/bin:/bin",
            "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu",
            "HOME": home,
            "TMPDIR": home,
            "OIDC_ENCRYPTION_PW": "password",
        }
        self.env |= dict(re.findall(r"(\w+)=([^;]+);", self.run("oidc-agent").stdout))

    def run(self, *command):
        # The agent keeps stdout open if it is a pipe.
        with open(f"{home}/stdout", "w+") as out, open(f"{home}/stderr", "w+") as err:
            ended = subprocess.run(command, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=60)
            ended.stdout, ended.stderr = open(out.name).read(), open(err.name).read()
        return ended

    def token(self):
        ended = self.run("oidc-token", "--force-new", "account")
        return "a token" if ended.stdout.startswith("access-") else ended.stderr.strip()

    def end(self):
        self.run("oidc-agent", "--kill")


one, two = Session(), Session()
try:
    made = one.run("oidc-gen", "account", "--manual", f"--issuer={issuer}", "--client-id=client", "--client-secret=",
                   "--flow=refresh", "--refresh-token=refresh-0", "--scope=openid offline_access",
                   "--redirect-uri=http://localhost:4242", "--pw-env", "--confirm-default", "--prompt=none")
    assert made.returncode == 0, made.stderr
    seen = [one.token(), one.token()]
    added = two.run("oidc-add", "account", "--pw-env")
    assert added.returncode == 0, added.stderr
    seen += [two.token(), one.token(), two.token(), one.token()]
    print(f"one, one, then the other session loads the account: two, one, two, one: {'; '.join(seen)}")
    refused = "Error: invalid_grant"
    assert seen == ["a token", "a token", "a token", refused, "a token", refused]
    Server.strict = True
    seen = [two.token(), one.token(), two.token()]
    print(f"where a used token ends the login: two, one, two: {'; '.join(seen)}")
    assert seen == ["a token", refused, refused]
finally:
    one.end()
    two.end()
PYTHON
mkdir "$temp/home"
python3 "$temp/finding.py" "$temp/root" "$temp/home"
echo "as seen on 2026-11-28"
