#!/usr/bin/env bash
# mcpo==0.0.20 (Open WebUI) with mcp==1.30.0 (Python SDK) and fastapi==0.121.0, as the proxy that makes an HTTP API with OpenAPI of a
# stdio server of MCP, whose tools answer with text: a commit, a version, a number of an order.
#
# One would guess: the text of a result is given as a string, as it is, or as JSON if it is an object or a list.
#
# Seen on 2026-11-29, Python 3.11: whatever text happens to be JSON is given as that value. So the short hash `123e456` of a commit,
# which is a number beyond all numbers, becomes `null`, with status 200, where `123d456` and `123f456` are strings. One short hash in
# sixty is such a number. The version `1.10` becomes 1.1, `1.9` and `1.10.0` stay what they are, as does `007`; `null` and `true` are what
# they are called. Who tries the tool a few times does not see it, and the schema of the API names no type.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/mcpo-0.0.20.txt"

cat >server.py <<'PYTHON'
# A stdio server of MCP, whose tool answers with the text that it is given.
import json
import sys

for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    results = {
        "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "finding", "version": "1"}},
        "tools/list": {"tools": [{"name": "say", "description": "Says it", "inputSchema": schema}]},
    }
    result = results.get(message["method"])
    if result is None:
        result = {"content": [{"type": "text", "text": message["params"]["arguments"]["text"]}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
PYTHON

cat >finding.py <<'PYTHON'
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = ["venv/bin/mcpo", "--host", "127.0.0.1", "--port", str(port), "--", sys.executable, "server.py"]
environment = {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}
with open("said", "wb") as said:
    proxy = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(path, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    with opener.open(request, timeout=60) as response:
        return response.status, response.read().decode()


try:
    until = time.monotonic() + 60
    while True:
        try:
            answers = json.loads(ask("/openapi.json")[1])["paths"]["/say"]["post"]["responses"]
            schema = answers["200"]["content"]["application/json"]["schema"]
            break
        except (urllib.error.URLError, KeyError):
            assert time.monotonic() < until and proxy.poll() is None, open("said").read()
            time.sleep(0.1)
    print(f"the schema of the answer: {schema}")
    assert "type" not in schema and "anyOf" not in schema
    for text, wanted in (
        *(("123d456", '"123d456"'), ("123e456", "null"), ("123f456", '"123f456"'), ("5e81234", "null")),
        *(("1e2", "100.0"), ("1.9", "1.9"), ("1.10", "1.1"), ("1.10.0", '"1.10.0"'), ("007", '"007"')),
        *(("12345678901234567.5", "1.2345678901234568e+16"), ("true", "true"), ("null", "null"), ("nil", '"nil"')),
    ):
        status, body = ask("/say", {"text": text})
        print(f"the text {text}: {status} {body}")
        assert (status, body) == (200, wanted), f"expected {wanted}"
finally:
    proxy.terminate()
    proxy.wait()
PYTHON
python3 finding.py
echo "as seen on 2026-11-29"
