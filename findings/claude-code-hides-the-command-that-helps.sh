#!/usr/bin/env bash
# Claude Code @anthropic-ai/claude-code-linux-x64@2.1.332 with a stdio server that cannot start its work and says in its error
# what to do, as a bridge does that needs a login: `run: bridge login --store file https://mcp.example.com/mcp`.
#
# One would guess: the error is shown as it came, or not at all.
#
# Seen on 2026-11-28: each word of the message that is also an argument of the server's entry, if it has four characters or
# more, is replaced by `[redacted]`. Which is to keep secrets of a configuration out of what is shown, and hides just what
# such a command consists of: the server's URL and the options of the program. "needs a login: [redacted]" is what the user
# reads, with the arguments in clear two lines below. What the message names and the entry does not is shown, another URL too.
#
# Needs Linux on x86-64, npm and its registry, and Python 3. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z --prefix "$temp" \
    @anthropic-ai/claude-code-linux-x64@2.1.332

cat >"$temp/server.py" <<'PYTHON'
# A stdio server of MCP that answers each request with an error, whose message is in the file that is named first.
import json
import sys

with open(sys.argv[1]) as file:
    text = file.read()
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        answer = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32000, "message": text}}
        print(json.dumps(answer), flush=True)
PYTHON

expect() { # MESSAGE SHOWN ARGUMENT…: with these arguments in the server's entry
    local message=$1 shown=$2 seen
    shift 2
    printf '%s' "$message" >"$temp/message"
    python3 - "$temp" "$@" <<'PYTHON'
import json
import sys

home, *arguments = sys.argv[1:]
entry = {"type": "stdio", "command": "python3", "args": [f"{home}/server.py", f"{home}/message", *arguments]}
with open(f"{home}/.claude.json", "w") as file:
    json.dump({"mcpServers": {"a": entry}}, file)
PYTHON
    # Nothing leaves the machine: the proxy is a port at which nobody listens.
    seen=$(cd "$temp" && env -i HOME="$temp" PATH="$PATH" CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 HTTPS_PROXY=http://127.0.0.1:9 \
        "$temp/node_modules/@anthropic-ai/claude-code-linux-x64/claude" mcp get a 2>/dev/null | sed -n 's/^ *Issue: -32000: //p')
    echo "the server says \"$message\", and Claude Code \"$seen\""
    [[ $seen == "$shown" ]] || { echo "expected \"$shown\"" >&2; exit 1; }
}

expect 'https://mcp.example.com/mcp needs a login; run: bridge login --store file https://mcp.example.com/mcp' \
    '[redacted] needs a login; run: bridge login [redacted] [redacted] [redacted]' connect https://mcp.example.com/mcp --store file
expect 'log in at https://as.example.com/start' 'log in at https://as.example.com/start' connect https://mcp.example.com/mcp
expect 'the red and the blue key are missing' 'the red and the [redacted] key are missing' red blue
echo "as seen on 2026-11-28"
