#!/usr/bin/env bash
# HAProxy 2.6.12, Apache 2.4.71 (mod_proxy_http), nginx 1.22.1 (with `keepalive`), Caddy 2.6.2 and lighttpd 1.4.69 (Debian 12), each
# before an authorization server that rotates refresh tokens, and ends the login if a used one comes again. Of one refresh the answer
# is lost between the two: the authorization server has used the token up and closes the connection, as in a restart.
#
# One would guess: a proxy that gets no answer says 502, which is an answer, so that no client sends a POST again by itself.
#
# Seen on 2026-11-29, with curl 7.88.1: so do nginx, Caddy and lighttpd (500 there). HAProxy and Apache do on a connection's first
# request. On a later one, as after the metadata, they say nothing and close the connection as if it had been idle, and curl sends
# the POST again: the authorization server gets the used token, and the login is over. So what curl does at a lost answer is
# decided by a proxy that its user never sees, and a client that opens a connection for each refresh is spared.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
chmod 755 "$temp"
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" haproxy=2.6.12-1+deb12u4 apache2-bin=2.4.71-1~deb12u1 nginx=1.22.1-9+deb12u11 \
    caddy=2.6.2-5 lighttpd=1.4.69-1 curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 libapr1=1.7.2-3+deb12u1 \
    libaprutil1=1.6.3-1+deb12u1 liblua5.3-0=5.3.6-2 libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4 >said 2>&1 \
    || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done

cat >finding.py <<'PYTHON'
import http.client
import os
import pathlib
import socket
import subprocess
import threading
import time

here = os.getcwd()
root = f"{here}/root"
LIBRARIES = os.environ | {"LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu", "HOME": here, "XDG_DATA_HOME": here, "XDG_CONFIG_HOME": here}
refreshes = []


def serve(connection):
    """The authorization server. The first refresh is carried out, and its answer is lost; the second is one with a used token."""
    stream = connection.makefile("rb")
    while line := stream.readline():
        length = 0
        while (header := stream.readline().strip().lower()) != b"":
            if header.startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        body = stream.read(length)
        status, answer = "200 OK", b'{"issuer": "https://as.example"}'
        if line.startswith(b"POST"):
            refreshes.append(body)
            if len(refreshes) == 1:
                break
            status, answer = "400 Bad Request", b'{"error": "invalid_grant"}'
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def accept():
    while True:
        threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
behind = f"127.0.0.1:{listener.getsockname()[1]}"
threading.Thread(target=accept, daemon=True).start()


def configure(text):
    pathlib.Path("config").write_text(text)
    return f"{here}/config"


def haproxy(at):
    timeouts = "timeout connect 5s\ntimeout client 60s\ntimeout server 60s"
    config = f"defaults\nmode http\n{timeouts}\nlisten all\nbind {at}\nserver it {behind}\n"
    return [f"{root}/usr/sbin/haproxy", "-db", "-f", configure(config)]


def apache(at):
    names = ("mpm_event", "authn_core", "authz_core", "proxy", "proxy_http")
    modules = "".join(f"LoadModule {name}_module {root}/usr/lib/apache2/modules/mod_{name}.so\n" for name in names)
    about = f"ServerRoot {here}\nServerName 127.0.0.1\nPidFile {here}/pid\nErrorLog {here}/log\nUser nobody\nGroup nogroup\nListen {at}\n"
    return [f"{root}/usr/sbin/apache2", "-f", configure(f"{about}{modules}ProxyPass / http://{behind}/\n"), "-DFOREGROUND"]


def nginx(at):
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {here}/{kind};" for kind in kinds)
    proxy = "proxy_pass http://it; proxy_http_version 1.1; proxy_set_header Connection '';"
    servers = f"upstream it {{ server {behind}; keepalive 8; }} server {{ listen {at}; location / {{ {proxy} }} }}"
    config = f"daemon off; pid {here}/pid; events {{}} http {{ access_log off; {paths} {servers} }}"
    return [f"{root}/usr/sbin/nginx", "-e", f"{here}/log", "-c", configure(config)]


def caddy(at):
    config = f"{{\nadmin off\nauto_https off\n}}\nhttp://{at} {{\nreverse_proxy {behind}\n}}\n"
    return [f"{root}/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", configure(config)]


def lighttpd(at):
    host, port = at.split(":")
    to = '( "" => ( ( "host" => "%s", "port" => %s ) ) )' % tuple(behind.split(":"))
    about = f'server.document-root = "{here}"\nserver.bind = "{host}"\nserver.port = {port}\nserver.modules = ( "mod_proxy" )\n'
    return [f"{root}/usr/sbin/lighttpd", "-D", "-m", f"{root}/usr/lib/lighttpd", "-f", configure(f"{about}proxy.server = {to}\n")]


FORM = "grant_type=refresh_token&refresh_token=one"


def without_retry(at, first):
    """A client that sends nothing again: the status of its refresh."""
    client = http.client.HTTPConnection(at, timeout=30)
    if not first:
        client.request("GET", "/metadata")
        client.getresponse().read()
    client.request("POST", "/token", FORM, {"Content-Type": "application/x-www-form-urlencoded"})
    try:
        return str(client.getresponse().status)
    except http.client.RemoteDisconnected:
        return "closed"


def with_curl(at, first):
    common = ["--silent", "--noproxy", "*", "--output", "/dev/null", "--write-out", "%{http_code} "]
    metadata = [] if first else [*common, f"http://{at}/metadata", "--next"]
    command = [f"{root}/usr/bin/curl", "-q", *metadata, *common, "--data", FORM, f"http://{at}/token"]
    return subprocess.run(command, env=LIBRARIES, stdout=subprocess.PIPE, text=True, timeout=60).stdout.split()[-1]


def expect(proxy, wanted):
    """The status of the refresh with both clients, as a connection's first request and as a later one; and how often it was sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        at = f"127.0.0.1:{free.getsockname()[1]}"
    with open("said", "w") as said:
        process = subprocess.Popen(proxy(at), env=LIBRARIES, stdout=said, stderr=said)
    try:
        until = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", int(at.split(":")[1]))):
            assert time.monotonic() < until and process.poll() is None, pathlib.Path("said").read_text()
            time.sleep(0.1)
        seen = []
        for client in (without_retry, with_curl):
            for first in (True, False):
                refreshes.clear()
                seen.append(f"{client(at, first)}, {len(refreshes)}")
    finally:
        process.terminate()
        process.wait()
    print(f"{proxy.__name__}: {'; '.join(seen)}")
    assert seen == wanted, f"expected {wanted}"


print("status and number of refreshes at the server: first request, later request; curl: first request, later request")
silent = ["502, 1", "closed, 1", "502, 1", "400, 2"]
expect(haproxy, silent)
expect(apache, silent)
expect(nginx, ["502, 1"] * 4)
expect(caddy, ["502, 1"] * 4)
expect(lighttpd, ["500, 1"] * 4)
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 -W ignore finding.py
echo "as seen on 2026-11-29"
