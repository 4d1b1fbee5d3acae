#!/usr/bin/env bash
# codex-linux-x64 (npm:@openai/codex@0.171.0-linux-x64), `codex exec --json`, as scripts and CI run it, with an MCP server that
# answers `initialize` with an error, as one does whose login has ended: "needs a login; run: bridge login".
#
# One would guess: an event or a line on stderr says that the server could not be started, and why.
#
# Seen on 2026-11-28: neither. The model is asked without the tools of the server, answers what it can, and the exit status is
# 0; no event names the server, and the message is nowhere in what is printed. Only `required = true` in the server's
# entry, which is not the default, ends the run before the model is asked, with exit status 1 and the message on stderr.
# In the transcript a run without its tools looks like one in which the model did not want them.
#
# Needs Linux on x86-64, npm and its registry, and Python 3. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z --prefix "$temp" \
    codex-linux-x64@npm:@openai/codex@0.171.0-linux-x64

cat >"$temp/server.py" <<'PYTHON'
# A stdio server of MCP with the tool `echo`; started with a text, it answers each request with that as an error.
import json
import sys

for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if len(sys.argv) > 1:
        answer["error"] = {"code": -32000, "message": sys.argv[1]}
    elif message["method"] == "initialize":
        version, info = message["params"]["protocolVersion"], {"name": "finding", "version": "1"}
        answer["result"] = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
    else:
        answer["result"] = {"tools": [{"name": "echo", "description": "Echoes", "inputSchema": {"type": "object"}}]}
    print(json.dumps(answer), flush=True)
PYTHON

cat >"$temp/finding.py" <<'PYTHON'
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

codex, temp = sys.argv[1:]
asked = []


class Model(BaseHTTPRequestHandler):
    """A model that says "done"; notes whether it was offered the tool."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked.append("with the tool" if '"name":"echo"' in body.replace(" ", "") else "without the tool")
        text = {"type": "output_text", "text": "done"}
        item = {"type": "message", "role": "assistant", "id": "item", "content": [text]}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        events = [
            {"type": "response.created", "response": {"id": "response"}},
            {"type": "response.output_item.done", "item": item},
            {"type": "response.completed", "response": {"id": "response", "usage": usage}},
        ]
        answer = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


model = ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=model.serve_forever, daemon=True).start()
CONFIGURATION = """
model = "stand-in"
model_provider = "stand-in"
check_for_update_on_startup = false
analytics.enabled = false
features.plugins = false

[model_providers.stand-in]
name = "stand-in"
base_url = "http://127.0.0.1:{port}/v1"
wire_api = "responses"

[mcp_servers.papers]
command = "{python}"
args = {arguments}
startup_timeout_sec = 60
required = {required}
"""


def run(error, required):
    """How a run ends: the exit status, how the model was asked, and whether the output names the server and its error."""
    arguments = json.dumps([f"{temp}/server.py", *error])
    with open(f"{temp}/config.toml", "w") as file:
        file.write(CONFIGURATION.format(port=model.server_port, python=sys.executable, arguments=arguments, required=required))
    asked.clear()
    # Nothing else leaves the machine: the proxy is a port at which nobody listens.
    environment = {"PATH": os.environ["PATH"], "HOME": temp, "CODEX_HOME": temp, "NO_PROXY": "127.0.0.1"}
    environment["HTTPS_PROXY"] = "http://127.0.0.1:9"
    command = [codex, "exec", "--json", "--skip-git-repo-check", "--sandbox", "read-only", "Call the tool."]
    done = subprocess.run(command, cwd=temp, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)
    said = done.stdout + done.stderr
    return done.returncode, *asked, "papers" in said, "needs a login" in said


def expect(what, seen, wanted):
    print(f"{what}: exit status {seen[0]}, the model was asked {', '.join(seen[1:-2]) or 'nothing'};", end=" ")
    print(f"the output names the server: {seen[-2]}, its error: {seen[-1]}")
    assert seen == wanted, f"expected {wanted}"


error = ["needs a login; run: bridge login"]
expect("a server that works", run([], "false"), (0, "with the tool", False, False))
expect("a server that needs a login", run(error, "false"), (0, "without the tool", False, False))
expect("the same, required", run(error, "true"), (1, True, True))
PYTHON
python3 "$temp/finding.py" "$temp/node_modules/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex" "$temp"
echo "as seen on 2026-11-28"
