#!/usr/bin/env bash
# codex-linux-x64 (npm:@openai/codex@0.171.0-linux-x64), `codex exec --json`, as scripts and CI run it, with an MCP server that the user
# has put into config.toml.
#
# One would guess: its tools can be called, as in `claude -p` after `--allowedTools`, or an option of the sandbox decides; and a tool that
# may not be called is not offered.
#
# Seen on 2026-11-30: each tool is offered, and what the server says of it decides. As a server's tools come, without annotations,
# each call is refused with "requires approval, but approval policy is never", which the model alone is told: nothing is on
# stderr, and the exit status is 0. `readOnlyHint: true` lets a call through, or `destructiveHint: false` and `openWorldHint: false`
# together, and neither of them alone; nobody checks whether it is true. So a server that claims to be harmless is trusted more than
# the user's own configuration. `--sandbox workspace-write` changes nothing, `danger-full-access`, which is about commands, allows
# every tool. Only `default_tools_approval_mode = "approve"` in the server's entry is about this server.
#
# Needs Linux on x86-64, npm and its registry, and Python 3. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z --prefix "$temp" \
    codex-linux-x64@npm:@openai/codex@0.171.0-linux-x64

cat >"$temp/server.py" <<'PYTHON'
# A stdio server of MCP with the tool `echo`, which is said to be as its argument tells.
import json
import sys

tool = {"name": "echo", "description": "Echoes", "inputSchema": {"type": "object"}, **json.loads(sys.argv[1])}
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    results = {
        "initialize": {"capabilities": {"tools": {}}, "serverInfo": {"name": "finding", "version": "1"}},
        "tools/list": {"tools": [tool]},
        "tools/call": {"content": [{"type": "text", "text": "the answer"}]},
    }
    result = results[message["method"]]
    if message["method"] == "initialize":
        result["protocolVersion"] = message["params"]["protocolVersion"]
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
PYTHON

cat >"$temp/finding.py" <<'PYTHON'
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

codex, temp = sys.argv[1:]
outputs = []


class Model(BaseHTTPRequestHandler):
    """A model that calls the tool once, and notes what came back."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        done = [item for item in body["input"] if item.get("type") == "function_call_output"]
        outputs.extend(json.dumps(item["output"]) for item in done)
        if done:
            item = {"type": "message", "role": "assistant", "id": "item", "content": [{"type": "output_text", "text": "done"}]}
        else:
            item = {"type": "function_call", "id": "item", "call_id": "call", "namespace": "mcp__lab", "name": "echo", "arguments": "{}"}
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

[mcp_servers.lab]
command = "{python}"
args = {arguments}
required = true
startup_timeout_sec = 60
{entry}
"""


def expect(what, is_called, annotations=None, entry="", options=()):
    """One run, and whether the call reached the tool."""
    tool = {} if annotations is None else {"annotations": annotations}
    arguments = json.dumps([f"{temp}/server.py", json.dumps(tool)])
    with open(f"{temp}/config.toml", "w") as file:
        file.write(CONFIGURATION.format(port=model.server_port, python=sys.executable, arguments=arguments, entry=entry))
    outputs.clear()
    # Nothing else leaves the machine: the proxy is a port at which nobody listens.
    environment = {"PATH": os.environ["PATH"], "HOME": temp, "CODEX_HOME": temp, "NO_PROXY": "127.0.0.1"}
    environment["HTTPS_PROXY"] = "http://127.0.0.1:9"
    command = [codex, "exec", "--json", "--skip-git-repo-check", *options, "Call the tool."]
    done = subprocess.run(command, cwd=temp, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)
    [output] = outputs
    seen = done.returncode, "the answer" in output, "requires approval, but approval policy is never" in output
    print(f"{what}: {'called' if seen[1] else 'refused'}, exit status {seen[0]}, stderr on it: {'approv' in done.stderr}")
    assert seen == (0, is_called, not is_called) and "approv" not in done.stderr, (seen, output, done.stderr)


expect("no annotations", False)
expect("readOnlyHint", True, {"readOnlyHint": True})
expect("not destructive", False, {"destructiveHint": False})
expect("no open world", False, {"openWorldHint": False})
expect("neither destructive nor open world", True, {"destructiveHint": False, "openWorldHint": False})
expect("no annotations, --sandbox workspace-write", False, options=["--sandbox", "workspace-write"])
expect("no annotations, --sandbox danger-full-access", True, options=["--sandbox", "danger-full-access"])
expect("no annotations, approved in the entry", True, entry='default_tools_approval_mode = "approve"')
PYTHON
python3 "$temp/finding.py" "$temp/node_modules/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex" "$temp"
echo "as seen on 2026-11-30"
