"""Debian's glewlwyd behind a proxy, as it is meant to stand, and a small protected MCP server, on one port of 127.0.0.1.

Usage: python3 glewlwyd-server.py DIRECTORY     DIRECTORY: for its database and configuration, made if it is missing.
Everybody may register a client, and codes of devices and bound tokens, with nonces, are on; all else is as glewlwyd
comes. Debian's package has no login page, so this has one: it does what glewlwyd's page does with glewlwyd's own API.
The user `somebody` has the password `anything`. Prints `ready <URL of the MCP server>` when it listens; ends when its
stdin closes.
"""

import gzip
import html
import http.server
import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

METADATA = "/.well-known/oauth-protected-resource/mcp"
SCHEMA = pathlib.Path("/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz")
TOOLS = [{"name": "greet", "description": "Says hello", "inputSchema": {"type": "object"}}]
CONFIGURATION = """
port={port}
bind_address="127.0.0.1"
external_url="{front}"
login_url="login"
api_prefix="api"
log_mode="console"
log_level="ERROR"
cookie_domain="127.0.0.1"
cookie_secure=0
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
login_api_enabled=true
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database={{ type="sqlite3" path="{database}" }};
"""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Lets the caller see redirects."""

    def redirect_request(self, *_: object) -> None:
        """Follows none."""


OPENER = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))


def ask(url: str, method: str = "GET", body: bytes | None = None, headers: dict | None = None) -> tuple[int, object, bytes]:
    """Returns status, headers and body of an answer of glewlwyd."""
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with OPENER.open(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def demand(url: str, method: str, body: object, cookie: str = "") -> str:
    """Asks for what has to succeed; returns the cookie of the session, if there is a new one."""
    given = {"Content-Type": "application/json", "Cookie": cookie}
    status, headers, text = ask(url, method, json.dumps(body).encode(), given)
    if status != 200:
        sys.exit(f"{method} {url}: {status} {text.decode()}")
    return (headers["set-cookie"] or "").partition(";")[0]


def start(directory: pathlib.Path, front: str) -> tuple[subprocess.Popen, str]:
    """Starts glewlwyd on a port that nobody else has, and returns it with its address."""
    directory.mkdir(parents=True, exist_ok=True)
    database = directory / "glewlwyd.db"
    with sqlite3.connect(database) as connection:
        connection.executescript(gzip.decompress(SCHEMA.read_bytes()).decode())
    while True:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        file = directory / "glewlwyd.conf"
        file.write_text(CONFIGURATION.format(port=port, front=front, database=database))
        server = subprocess.Popen(["/usr/bin/glewlwyd", f"--config-file={file}"], stdin=subprocess.DEVNULL)
        # It ends at once where another program has taken the port meanwhile; then the next one is tried.
        while server.poll() is None:
            try:
                if ask(f"http://127.0.0.1:{port}/config")[0] == 200:
                    return server, f"http://127.0.0.1:{port}"
            except OSError:
                time.sleep(0.05)


def configure(base: str, front: str) -> None:
    """Does once what an administrator does with glewlwyd's page."""
    cookie = demand(f"{base}/api/auth/", "POST", {"username": "admin", "password": "password"})
    # Its registration knows codes of devices by another name than RFC 8628 gives to them, so that client is made by hand.
    client = {"client_id": "tool", "name": "tool", "enabled": True, "confidential": False, "redirect_uri": ["http://127.0.0.1/callback"]}
    grants = ["code", "refresh_token", "device_authorization"]
    demand(f"{base}/api/client/", "POST", {**client, "authorization_type": grants}, cookie)
    # The scope of the MCP server, and the one that lets the page of the login store what the user allows.
    demand(f"{base}/api/scope/", "POST", {"name": "mcp", "display_name": "MCP", "description": "MCP", "password_required": False}, cookie)
    user = {"username": "somebody", "password": "anything", "name": "Some Body", "scope": ["openid", "mcp", "g_profile"]}
    demand(f"{base}/api/user/", "POST", {**user, "enabled": True}, cookie)
    parameters = {
        "iss": f"{front}/api/oidc", "jwt-type": "sha", "jwt-key-size": "256", "key": "for tests only, and long enough",
        "access-token-duration": 3600, "refresh-token-duration": 1209600, "code-duration": 600, "refresh-token-rolling": True,
        "allow-non-oidc": True, "auth-type-code-enabled": True, "auth-type-refresh-enabled": True,
        "auth-type-device-enabled": True, "device-authorization-expiration": 600, "device-authorization-interval": 1,
        "pkce-allowed": True, "introspection-revocation-allowed": True, "introspection-revocation-allow-target-client": True,
        "register-client-allowed": True, "oauth-as-iss-id": True, "oauth-dpop-allowed": True, "oauth-dpop-iat-duration": 60,
        "oauth-dpop-nonce-mandatory": True, "oauth-dpop-nonce-counter": 5,
        "jwks-show": True, "allowed-scope": ["openid", "mcp"],
    }
    plugin = {"module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "enabled": True, "parameters": parameters}
    demand(f"{base}/api/mod/plugin/", "POST", plugin, cookie)


def main() -> None:
    """Serves until the parent is gone, or ten minutes."""
    directory = pathlib.Path(sys.argv[1])
    front = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    own = f"http://127.0.0.1:{front.server_port}"
    glewlwyd, base = start(directory, own)
    configure(base, own)

    class Handler(http.server.BaseHTTPRequestHandler):
        """The MCP server, and the login page."""

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def proxy(self) -> None:
            """Passes the request on to glewlwyd, and its answer back."""
            names = ("Authorization", "Content-Type", "Cookie", "DPoP")
            headers = {name: self.headers[name] for name in names if self.headers[name]}
            status, answer, text = ask(base + self.path, self.command, self.body() or None, headers)
            self.send_response(status)
            for name, value in answer.items():
                if name.lower() in ("content-type", "dpop-nonce", "location", "set-cookie", "www-authenticate"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def send(self, status: int, body: object = None, **headers: str) -> None:
            text = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            kind = "text/html" if isinstance(body, bytes) else "application/json"
            for name, value in {"content-type": kind, "content-length": str(len(text)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(text)

        def body(self) -> bytes:
            return self.rfile.read(int(self.headers["content-length"] or 0))

        def do_GET(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            if url.path.startswith("/api/"):
                self.proxy()
            elif url.path == METADATA:
                resource = {"resource": f"{own}/mcp", "authorization_servers": [f"{own}/api/oidc"], "scopes_supported": ["mcp"]}
                self.send(200, resource)
            elif url.path == "/mcp":
                self.mcp()
            elif url.path == "/login":
                self.page(dict(urllib.parse.parse_qsl(url.query)).get("prompt", ""))
            else:
                self.send(404)

        def do_POST(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            if url.path.startswith("/api/"):
                self.proxy()
                return
            if url.path == "/mcp":
                self.mcp()
                return
            asked = dict(urllib.parse.parse_qsl(url.query))
            form = dict(urllib.parse.parse_qsl(self.body().decode()))
            if "user_code" in form:
                self.send(302, b"", location=f"{asked['callback_url']}?code={form['user_code']}")
                return
            user = {"username": form["login"], "password": form["password"]}
            cookie = demand(f"{base}/api/auth/", "POST", user)
            demand(f"{base}/api/auth/grant/{asked['client_id']}", "PUT", {"scope": asked["scope"]}, cookie)
            self.send(302, b"", location=f"{asked['callback_url']}&g_continue", set_cookie=f"{cookie}; Path=/")

        def page(self, prompt: str) -> None:
            """Asks for what glewlwyd's page asks for: the code of a device, or who this is; or says how it ended."""
            fields = {"device": '<input name="user_code">', "": '<input name="login"><input name="password">'}.get(prompt)
            form = f'<form method="post" action="{html.escape(self.path)}">{fields}</form>' if fields else prompt
            self.send(200, f"<!doctype html><title>glewlwyd</title>{form}".encode())

        def mcp(self) -> None:
            """Answers one MCP request, if glewlwyd takes its token."""
            authorization = self.headers["authorization"] or ""
            if not authorization or ask(f"{base}/api/oidc/userinfo", headers={"Authorization": authorization})[0] != 200:
                self.body()
                self.send(401, www_authenticate=f'Bearer scope="mcp", resource_metadata="{own}{METADATA}"')
                return
            if self.command != "POST":
                self.send(405)
                return
            message = json.loads(self.body())
            print(f"event mcp {message['method']}", flush=True)
            if "id" not in message:
                self.send(202)
                return
            is_modern = self.headers["mcp-protocol-version"] == "2026-07-28"
            results = {"tools/list": {"tools": TOOLS}}
            if is_modern:
                results["tools/list"].update(resultType="complete", ttlMs=0, cacheScope="private")
            else:
                info = {"name": "protected", "version": "1"}
                results["initialize"] = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
            result = results.get(message["method"])
            answer = {"result": result} if result else {"error": {"code": -32601, "message": "method not found"}}
            self.send(200 if result else 404, {"jsonrpc": "2.0", "id": message["id"], **answer})

    front.RequestHandlerClass = Handler
    threading.Thread(target=front.serve_forever, daemon=True).start()
    threading.Timer(600, glewlwyd.kill).start()
    print(f"ready {own}/mcp", flush=True)
    sys.stdin.read()
    glewlwyd.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
