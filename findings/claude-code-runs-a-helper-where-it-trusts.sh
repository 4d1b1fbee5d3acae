#!/usr/bin/env bash
# Claude Code @anthropic-ai/claude-code-linux-x64@2.1.332 with a server that `claude mcp add-json` has put, with a `headersHelper`, into
# the user's own ~/.claude.json, in a home that only scripts use: a container or a CI job.
#
# One would guess: the helper runs, for the user has typed its command; without it nothing is sent; and a directory has the
# servers that were added in it.
#
# Seen on 2026-11-30: by default the server is added for this directory alone, and its helper waits until somebody has trusted the
# directory in a dialog, which no script can answer; with `--scope user` it runs everywhere at once, in that directory too. Until
# then the server is asked without the header and "Needs authentication", with exit status 0. That the directory above is
# trusted does not count. In a Git repository "this directory" is the main worktree, for all directories and all worktrees: what
# is under the name of a worktree in the file is not there.
#
# Needs Linux on x86-64, npm and its registry, git and Python 3. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z --prefix "$temp" \
    @anthropic-ai/claude-code-linux-x64@2.1.332

cat >"$temp/finding.py" <<'PYTHON'
import json
import os
import pathlib
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

claude, temp = sys.argv[1:]
home = pathlib.Path(temp, "home")
headers = []


class Server(BaseHTTPRequestHandler):
    """An MCP server for those with the token."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        origin = f"http://127.0.0.1:{server.server_port}"
        if "oauth-protected-resource" in self.path:
            self.answer(200, json.dumps({"resource": f"{origin}/mcp", "authorization_servers": [origin]}).encode())
        elif "oauth-authorization-server" in self.path:
            endpoints = {f"{name}_endpoint": f"{origin}/{name}" for name in ("authorization", "token", "registration")}
            kinds = {"response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]}
            self.answer(200, json.dumps({"issuer": origin, **endpoints, **kinds}).encode())
        else:
            self.answer(404)

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers.append(self.headers["Authorization"])
        if headers[-1] != "Bearer a-token":
            return self.answer(401)
        if "id" not in request:
            return self.answer(202)
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
        known = {"initialize": {"result": result}, "tools/list": {"result": {"tools": []}}}
        answer = known.get(request["method"], {"error": {"code": -32601, "message": "unknown"}})
        self.answer(200, json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}).encode())

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
# Nothing else leaves the machine: the proxy is a port at which nobody listens.
environment = {"HOME": str(home), "PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", "HTTPS_PROXY": "http://127.0.0.1:9"}
environment |= {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "GIT_CONFIG_NOSYSTEM": "1"}
environment |= {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
file = home / ".claude.json"
entry = {
    "type": "http",
    "url": f"http://127.0.0.1:{server.server_port}/mcp",
    "headersHelper": """echo '{"Authorization": "Bearer a-token"}'""",
}


def run(directory, *command):
    directory.mkdir(parents=True, exist_ok=True)
    return subprocess.run(command, cwd=directory, env=environment, check=True, capture_output=True, text=True, timeout=100)


def change(directory, **members):
    """Changes what the file says of a directory."""
    content = json.loads(file.read_text())
    content.setdefault("projects", {}).setdefault(str(directory), {}).update(members)
    file.write_text(json.dumps(content))


def expect(what, directory, shown, sent):
    """What `claude mcp list` says in a directory, and which headers reach the server."""
    headers.clear()
    done = run(directory, claude, "mcp", "list")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("lab: ")] or ["nothing"]
    waits = "headersHelper not run" in done.stdout + done.stderr
    print(f"{what}: {line.split(' - ')[-1]}; sent with {sorted(set(map(str, headers)))}")
    assert shown in line and set(headers) == sent and waits == (None in sent), (done.stdout, done.stderr, headers)


work = home / "work"
inner = work / "inner"
run(inner, claude, "mcp", "add-json", "--scope", "user", "lab", json.dumps(entry))
expect("added for the user", inner, "Connected", {"Bearer a-token"})
run(inner, claude, "mcp", "remove", "lab")
run(inner, claude, "mcp", "add-json", "lab", json.dumps(entry))
expect("added for this directory, as it is by default", inner, "Needs authentication", {None})
change(work, hasTrustDialogAccepted=True)
expect("the directory above is trusted", inner, "Needs authentication", {None})
change(inner, hasTrustDialogAccepted=True)
expect("this directory is trusted", inner, "Connected", {"Bearer a-token"})

main, tree = home / "main", home / "tree"
run(main, "git", "init", "-q")
run(main, "git", "commit", "-q", "--allow-empty", "-m", "first")
run(main, "git", "worktree", "add", "-q", str(tree))
change(tree, mcpServers={"lab": entry}, hasTrustDialogAccepted=True)
expect("named under a worktree", tree, "nothing", set())
change(main, mcpServers={"lab": entry}, hasTrustDialogAccepted=True)
expect("named under the main worktree", tree / "inner", "Connected", {"Bearer a-token"})
PYTHON
python3 "$temp/finding.py" "$temp/node_modules/@anthropic-ai/claude-code-linux-x64/claude" "$temp"
echo "as seen on 2026-11-30"
