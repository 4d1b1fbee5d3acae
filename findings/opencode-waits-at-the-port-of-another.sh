#!/usr/bin/env bash
# opencode-linux-x64-baseline 1.18.33 (npm; the program of opencode-ai, an agent with MCP), whose `opencode mcp auth` has the redirect URI
# http://127.0.0.1:19876/mcp/oauth/callback, in two terminals, for two servers; and where another program has that port.
#
# One would guess: the second one takes another port, waits for the first one, or says that the port is taken.
#
# Seen on 2026-11-29: it takes a port at which somebody listens for its own, opens the login page, and waits with nothing that could
# hear the answer. With two of them the answer to the second goes to the first, which shows the user "Invalid or expired state
# parameter - potential CSRF attack", so that the login looks like an attack, and the second waits on. A program of another kind
# gets the code, and what it answers is the page that the user sees. Once the first one is done, the second works if it is started
# again.
#
# Needs Linux on x86-64, root, npm, Python 3, and npm's registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z opencode-linux-x64-baseline@1.18.33
mkdir bin
# The browser, which only notes what it was to open.
cat >bin/xdg-open <<'SHELL'
#!/bin/sh
echo "$1" >>"$OPENED"
SHELL
chmod +x bin/xdg-open

cat >finding.py <<'PYTHON'
import atexit
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OPENCODE = os.path.abspath("node_modules/opencode-linux-x64-baseline/bin/opencode")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value=None, **headers):
        body = json.dumps(value).encode() if value is not None else b""
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(Handler):
    """An MCP server, and its authorization server, whose user agrees."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        base = f"http://127.0.0.1:{self.server.server_port}"
        if path.startswith("/.well-known/oauth-protected-resource"):
            return self.answer(200, {"resource": f"{base}/mcp", "authorization_servers": [base]})
        if path == "/.well-known/oauth-authorization-server":
            places = {f"{name}_endpoint": f"{base}/{name}" for name in ("authorization", "token", "registration")}
            more = {"response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]}
            return self.answer(200, {"issuer": base, **places, **more, "token_endpoint_auth_methods_supported": ["none"]})
        if path == "/authorization":
            asked = dict(urllib.parse.parse_qsl(query))
            code = urllib.parse.urlencode({"code": "a-code", "state": asked["state"]})
            return self.answer(302, Location=f"{asked['redirect_uri']}?{code}")
        self.answer(405 if path == "/mcp" else 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/registration":
            return self.answer(201, {**json.loads(body), "client_id": "a-client"})
        if self.path == "/token":
            return self.answer(200, {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "another"})
        if self.headers["Authorization"] != "Bearer a-token":
            return self.answer(401, WWW_Authenticate="Bearer")
        message = json.loads(body)
        if "id" not in message:
            return self.answer(202)
        about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "finding", "version": "1"}}
        about["protocolVersion"] = message.get("params", {}).get("protocolVersion")
        result = {"initialize": about, "tools/list": {"tools": []}}.get(message["method"], {})
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})


class Other(Handler):
    """A program that has nothing to do with this."""

    def do_GET(self):
        heard.append(self.path)
        self.answer(404, {"who": "another program"})


def serve(handler, port=0):
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Login:
    """`opencode mcp auth`, after it has opened the login page."""

    def __init__(self, name):
        opened = os.path.abspath(f"opened-{time.monotonic_ns()}")
        path = f"{os.path.abspath('bin')}:{os.environ['PATH']}"
        environment = {"HOME": os.getcwd(), "PATH": path, "OPENED": opened, "TERM": "dumb"}
        environment |= {f"OPENCODE_DISABLE_{what}": "1" for what in ("AUTOUPDATE", "MODELS_FETCH", "DEFAULT_PLUGINS")}
        self.said = open(f"{opened}-said", "w+")
        command = [OPENCODE, "--pure", "mcp", "auth", name]
        options = {"stdin": subprocess.DEVNULL, "stdout": self.said, "stderr": self.said, "start_new_session": True}
        self.process = subprocess.Popen(command, cwd="project", env=environment, **options)
        atexit.register(self.end, 0)
        until = time.monotonic() + 60
        while not (os.path.exists(opened) and open(opened).read().endswith("\n")):
            assert time.monotonic() < until and self.process.poll() is None, open(self.said.name).read()
            time.sleep(0.1)
        self.page = open(opened).read().split("\n")[0]

    def agree(self):
        """What the user sees after the login page."""
        try:
            with urllib.request.urlopen(self.page) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode()
        found = re.search("Invalid or expired state parameter - potential CSRF attack|another program|successful", text, re.I)
        return found[0].lower() if found else text

    def end(self, seconds):
        """What it says at its end, if that comes within this time."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return "waiting"
        return "Authentication successful" if "Authentication successful" in open(self.said.name).read() else open(self.said.name).read()


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


heard = []
os.mkdir("project")
servers = {name: {"type": "remote", "url": f"http://127.0.0.1:{serve(Server).server_port}/mcp"} for name in ("first", "second", "third")}
with open("project/opencode.json", "w") as file:
    json.dump({"mcp": servers}, file)
GOOD, ATTACK = "Authentication successful", "invalid or expired state parameter - potential csrf attack"

first, second = Login("first"), Login("second")
expect("the user agrees for the second server, and sees", second.agree(), ATTACK)
expect("the user agrees for the first server, and sees", first.agree(), "successful")
expect("the first one", first.end(30), GOOD)
expect("the second one ten seconds later", second.end(10), "waiting")
second = Login("second")
expect("the second one is started again, and the user sees", second.agree(), "successful")
expect("it says", second.end(30), GOOD)

other = serve(Other, 19876)
login = Login("third")
heard.clear()
expect("another program has the port: the user sees", login.agree(), "another program")
expect("it was given", [path.split("&")[0] for path in heard], ["/mcp/oauth/callback?code=a-code"])
expect("opencode ten seconds later", login.end(10), "waiting")
PYTHON
unshare --net sh -c 'ip link set lo up; exec python3 finding.py'
echo "as seen on 2026-11-29"
