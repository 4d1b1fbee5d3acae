"""An MCP server with one tool and its authorization server, on loopback, and a user with a browser, for a client on fastmcp."""

import json
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio
from fastmcp import Client

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
visitors = []


class Server(BaseHTTPRequestHandler):
    """Its login page answers 401 with `Negotiate` if `single_sign_on`. `visitors` are who requested that page."""

    protocol_version = "HTTP/1.1"
    single_sign_on = False

    def do_GET(self):
        base = f"http://{self.headers['Host']}"
        url = urlsplit(self.path)
        if url.path == "/.well-known/oauth-protected-resource/mcp":
            return self.answer(200, {"resource": f"{base}/mcp", "authorization_servers": [base]})
        if url.path == "/.well-known/oauth-authorization-server":
            metadata = {
                "issuer": base,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "registration_endpoint": f"{base}/register",
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
            }
            return self.answer(200, metadata)
        if url.path != "/authorize":
            return self.answer(405 if url.path == "/mcp" else 404)
        visitors.append("browser" if self.headers["User-Agent"] == "a browser" else "client")
        if "Authorization" in self.headers or "Cookie" in self.headers:
            query = parse_qs(url.query)
            answer = urlencode({"code": "a-code", "state": query["state"][0]})
            return self.answer(302, headers={"Location": f"{query['redirect_uri'][0]}?{answer}"})
        if self.single_sign_on:
            return self.answer(401, "Please log in", {"WWW-Authenticate": "Negotiate"})
        self.answer(200, "Please log in", {"Set-Cookie": "user=ann"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/register":
            return self.answer(201, json.loads(body) | {"client_id": "a-client"})
        if self.path == "/token":
            return self.answer(200, {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600})
        if self.headers["Authorization"] != "Bearer a-token":
            return self.answer(401, headers={"WWW-Authenticate": "Bearer"})
        message = json.loads(body)
        if "id" not in message:
            return self.answer(202)
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        if message["method"] == "initialize":
            version, info = message["params"]["protocolVersion"], {"name": "finding", "version": "1"}
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        elif message["method"] == "tools/list":
            result = {"tools": [{"name": "hello", "inputSchema": {"type": "object"}}]}
        else:
            return self.answer(200, reply | {"error": {"code": -32601, "message": "Method not found"}})
        self.answer(200, reply | {"result": result})

    def do_DELETE(self):
        self.answer(200)

    def answer(self, status, body="", headers=None):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def visit(url):
    """Logs in as a browser does, with the form or by single sign-on; returns what came of the redirect to the callback."""
    headers = {"User-Agent": "a browser"}
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=60):
            proof = {"Cookie": "user=ann"}
    except urllib.error.HTTPError as error:
        assert (error.code, error.headers["WWW-Authenticate"]) == (401, "Negotiate")
        proof = {"Authorization": "Negotiate the-user"}
    try:
        opener.open(urllib.request.Request(url, headers=headers | proof), timeout=60).close()
    except urllib.error.URLError as error:
        assert isinstance(error.reason, ConnectionRefusedError), error
        return "refused"
    return "answered"


def visit_until_answered(url):
    """Visits the page again until the callback is answered, as a user does who reloads it."""
    while visit(url) == "refused":
        time.sleep(0.1)


class Browser(webbrowser.BaseBrowser):
    """Passes the address on to `then`, and returns when that has returned."""

    then = None

    def open(self, url, *_):
        Browser.then(url)
        return True


def later(function):
    """Makes it run beside the client, as a browser does."""
    return lambda url: threading.Thread(target=function, args=[url], daemon=True).start()


async def tools():
    """What a client gets that has no login yet."""
    with anyio.fail_after(100):
        async with Client(f"http://127.0.0.1:{server.server_port}/mcp", auth="oauth") as client:
            return [tool.name for tool in await client.list_tools()]


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


webbrowser.register("finding", None, Browser(), preferred=True)
server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
