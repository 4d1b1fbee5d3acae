"""An MCP server and its authorization server, in one process; they note what clients send."""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RESOURCE = "/.well-known/oauth-protected-resource"


class Servers:
    """The servers; `exchanges` and `refreshes` are what the token endpoint was given, in order."""

    def __init__(self):
        self.exchanges, self.refreshes, self.requests = [], [], []
        self.lifetime, self.live, self.count = 3600, set(), 0
        self.held, self.gate = 0, threading.Event()
        self.lock = threading.Lock()
        servers = self

        class Handler(_Handler):
            pass

        Handler.servers = servers
        self.http = _Http(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.http.server_port}"
        self.mcp = self.base + "/mcp"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def issue(self):
        with self.lock:
            self.count += 1
            token = f"access-{self.count}"
            self.live.add(token)
            return {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": self.lifetime,
                "refresh_token": f"refresh-{self.count}",
                "scope": "read",
            }

    def hold(self, calls):
        """From now on this many calls wait for each other; then all tokens end."""
        self.held = calls

    def pass_on(self):
        """Lets a call wait for those that are held with it."""
        with self.lock:
            self.held -= 1
            is_held = self.held >= 0
            if self.held == 0:
                self.live.clear()
                self.gate.set()
        if is_held:
            self.gate.wait(20)

    def end(self):
        self.http.shutdown()
        self.http.server_close()


class _Http(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_):
        """Says nothing: a client was ended in the middle of a request."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    servers = None

    def log_message(self, *_):
        pass

    def answer(self, status, body=None, **headers):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self):
        metadata = f'{self.servers.base}{RESOURCE}/mcp'
        self.answer(401, {}, WWW_Authenticate=f'Bearer resource_metadata="{metadata}"')

    def is_authorized(self):
        return self.headers.get("Authorization", "").removeprefix("Bearer ") in self.servers.live

    def do_GET(self):
        base, path = self.servers.base, urllib.parse.urlparse(self.path).path
        self.servers.requests.append(path)
        if path.startswith(RESOURCE):
            self.answer(200, {"resource": base + "/mcp", "authorization_servers": [base]})
        elif path.startswith("/.well-known/oauth-authorization-server"):
            self.answer(200, {
                "issuer": base,
                "authorization_endpoint": base + "/authorize",
                "token_endpoint": base + "/token",
                "registration_endpoint": base + "/register",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
            })
        elif path == "/mcp" and not self.is_authorized():
            self.refuse()
        else:
            self.answer(405 if path == "/mcp" else 404, {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urllib.parse.urlparse(self.path).path
        self.servers.requests.append(path)
        if path == "/register":
            self.answer(201, {**json.loads(body), "client_id": "client"})
        elif path == "/token":
            form = dict(urllib.parse.parse_qsl(body.decode()))
            if form.get("grant_type") == "refresh_token":
                self.servers.refreshes.append(form.get("refresh_token"))
            else:
                self.servers.exchanges.append(form.get("code"))
                if form.get("code") != "good":
                    return self.answer(400, {"error": "invalid_grant"})
            self.answer(200, self.servers.issue())
        elif path != "/mcp" or not self.is_authorized():
            self.refuse()
        else:
            self.mcp(json.loads(body))

    def mcp(self, message):
        if "id" not in message:
            return self.answer(202)
        results = {
            "initialize": {
                "protocolVersion": (message.get("params") or {}).get("protocolVersion", "2025-06-18"),
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "compared", "version": "1"},
            },
            "tools/list": {"tools": []},
            "tools/call": {"content": []},
        }
        if message["method"] == "tools/call":
            self.servers.pass_on()
            if not self.is_authorized():
                return self.refuse()
        result = results.get(message["method"])
        if result is None:
            error = {"code": -32601, "message": "no such method"}
            return self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "error": error})
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})
