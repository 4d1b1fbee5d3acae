#!/usr/bin/env bash
# nginx 1.22.1 (Debian 12) before an MCP server, where `auth_request` asks another server whether the token will do; and
# Caddy 2.6.2 (Debian 12) with `forward_auth`, which is made for the same.
#
# One would guess: if the other server says no, the client gets its answer, challenge and all: the page in the documentation
# says that for 401 the client also receives the `WWW-Authenticate` header.
#
# Seen on 2026-11-28: of a 403 the client of nginx gets the status alone. The challenge `insufficient_scope`, by which a
# client learns which scope to ask for (RFC 6750 section 3.1, and the step-up of MCP), is gone, so the user can log in as
# often as they like. Of a 401 with two challenges, as `Basic` and `Bearer`, it passes on the first one, and without
# `Bearer` there is no `resource_metadata`. And any other status, as 429 or 503 of a busy server, is 500 without
# `Retry-After`. Behind Caddy the answer is that of the other server in each of these.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" nginx=1.22.1-9+deb12u11 caddy=2.6.2-5 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in nginx_ caddy_; do
    dpkg-deb --extract "$temp/packages/$package"*.deb "$temp/root"
done

cat >"$temp/finding.py" <<'PYTHON'
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

root, home = sys.argv[1:]
BASIC = 'Basic realm="house"'
BEARER = 'Bearer resource_metadata="https://mcp.example/.well-known/oauth-protected-resource"'
STEP_UP = 'Bearer error="insufficient_scope", scope="write"'
ANSWERS = {
    "read": (200, []),
    "none": (401, [("WWW-Authenticate", BEARER)]),
    "two": (401, [("WWW-Authenticate", BASIC), ("WWW-Authenticate", BEARER)]),
    "less": (403, [("WWW-Authenticate", STEP_UP)]),
    "many": (429, [("Retry-After", "7")]),
    "down": (503, [("Retry-After", "7")]),
}


class Server(BaseHTTPRequestHandler):
    """The MCP server at /mcp, and who knows the tokens at /check."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        token = self.headers["Authorization"].removeprefix("Bearer ")
        status, headers = ANSWERS[token] if self.path == "/check" else (200, [])
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
mcp = f"127.0.0.1:{server.server_port}"
nginx, caddy = free_port(), free_port()
with open(f"{home}/nginx.conf", "w") as file:
    places = "".join(f"{name}_temp_path {home}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    file.write(f"""
        daemon off; master_process off; pid {home}/pid; events {{}}
        http {{
            access_log off; {places}
            server {{
                listen 127.0.0.1:{nginx};
                location /mcp {{ auth_request /check; proxy_pass http://{mcp}; }}
                location = /check {{ internal; proxy_pass http://{mcp}; proxy_pass_request_body off; }}
            }}
        }}
    """)
with open(f"{home}/Caddyfile", "w") as file:
    file.write(f"""{{
        admin off
    }}
    http://127.0.0.1:{caddy} {{
        forward_auth {mcp} {{
            uri /check
        }}
        reverse_proxy {mcp}
    }}
    """)


def get(port, token):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/mcp", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    names = ("www-authenticate", "retry-after")
    return answer.status, [value for name, value in answer.getheaders() if name.lower() in names]


def check(name, port, command, wanted):
    with open(f"{home}/{name}.log", "w") as log:
        started = subprocess.Popen(command, env={"HOME": home, "PATH": "/usr/bin:/bin"}, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                get(port, "read")
                break
            except ConnectionRefusedError:
                assert started.poll() is None and time.monotonic() < until, open(f"{home}/{name}.log").read()
                time.sleep(0.1)
        for token, (status, headers) in ANSWERS.items():
            seen = get(port, token)
            print(f"{name}: {status} {[value for _, value in headers]} becomes {seen[0]} {seen[1]}")
            assert seen == wanted[token], f"expected {wanted[token]}"
    finally:
        started.terminate()
        started.wait(30)


whole = {token: (status, [value for _, value in headers]) for token, (status, headers) in ANSWERS.items()}
changed = {"two": (401, [BASIC]), "less": (403, []), "many": (500, []), "down": (500, [])}
os.makedirs(home, exist_ok=True)
check("nginx", nginx, [f"{root}/usr/sbin/nginx", "-p", home, "-e", f"{home}/errors", "-c", f"{home}/nginx.conf"], whole | changed)
check("Caddy", caddy, [f"{root}/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", f"{home}/Caddyfile"], whole)
PYTHON
mkdir "$temp/home"
python3 "$temp/finding.py" "$temp/root" "$temp/home"
echo "as seen on 2026-11-28"
