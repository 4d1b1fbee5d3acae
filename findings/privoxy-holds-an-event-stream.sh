#!/usr/bin/env bash
# Privoxy 3.0.34 (Debian 12), a filtering proxy that people put into `HTTP_PROXY` or before Tor, as Debian configures it, between
# a client and an MCP server with Streamable HTTP.
#
# One would guess: it filters pages, and passes an event stream on as it comes, as other proxies without a cache do.
#
# Seen on 2026-11-29: to its filters `text/event-stream` is text, and to filter it Privoxy collects the whole answer. Nothing of
# a stream arrives until the server ends it: no progress, and no question to the user, on whose answer a server may wait. Of the
# stream of a `GET`, which is to stay open, nothing arrives at all. An answer in JSON passes at once. With `{-filter}` for the server in
# its `user.action`, the events pass as they come.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" privoxy=3.0.34-1 libpcre3=2:8.39-15 libmbedtls14=2.28.3-1 \
    libmbedcrypto7=2.28.3-1 libmbedx509-1=2.28.3-1 libbrotli1=1.0.9-2+b6 >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/{privoxy,lib}*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done

cat >"$temp/finding.py" <<'PYTHON'
import http.client
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

root, home = map(pathlib.Path, sys.argv[1:])
EVENT = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}\n\n'


class Server(BaseHTTPRequestHandler):
    """Answers with an event, and, when `go` is set or two seconds are over, with another; or with JSON, at once."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        if self.path == "/json":
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            return self.wfile.write(b"{}")
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk(EVENT)
        self.server.seen = self.server.go.wait(2)
        self.chunk(EVENT)
        self.chunk(b"")

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *_):
        pass


def start_privoxy(name, action):
    """Debian's configuration, with another place for its files and a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = home / name
    subprocess.run(["cp", "-R", root / "etc/privoxy", config], check=True)
    (config / "user.action").write_text(action)
    text = (root / "usr/share/privoxy/config").read_text()
    ours = {"confdir": config, "logdir": home, "listen-address": f"127.0.0.1:{port}", "templdir": config / "templates"}
    kept = [line for line in text.splitlines() if line.split(" ")[0] not in ours]
    (config / "config").write_text("\n".join([f"{key} {value}" for key, value in ours.items()] + kept) + "\n")
    libraries = f"{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu"
    command = [root / "usr/sbin/privoxy", "--no-daemon", config / "config"]
    env = os.environ | {"LD_LIBRARY_PATH": libraries}
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert time.monotonic() < until, "Privoxy did not start"
        time.sleep(0.1)
    return process, port


def call(path, port):
    """Whether the first part of the answer is there while the server waits, and how many events come in all."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.go, server.seen = threading.Event(), None
    # Privoxy resets the connection that it has kept, when it is ended.
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = http.client.HTTPConnection("127.0.0.1", port or server.server_port, timeout=30)
    url = f"http://127.0.0.1:{server.server_port}{path}"
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection.request("POST", url if port else path, b"{}", headers)
    answer = connection.getresponse()
    if path == "/json":
        return answer.read().decode()
    body = answer.read1()
    server.go.set()
    body += answer.read()
    return server.seen, body.count(b"data:")


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


processes = []
try:
    expect("events without a proxy, (first in time, all)", call("/events", None), (True, 2))
    process, port = start_privoxy("as-debian-has-it", "")
    processes.append(process)
    expect("events through Privoxy", call("/events", port), (False, 2))
    expect("JSON through Privoxy", call("/json", port), "{}")
    process, port = start_privoxy("without-filters", "{-filter}\n127.0.0.1\n")
    processes.append(process)
    expect("events through Privoxy with {-filter}", call("/events", port), (True, 2))
finally:
    for process in processes:
        process.kill()
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 "$temp/finding.py" "$temp/root" "$temp"
echo "as seen on 2026-11-29"
