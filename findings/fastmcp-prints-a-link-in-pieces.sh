#!/usr/bin/env bash
# fastmcp==4.2.3 (Python) as a client that logs in (`auth="oauth"`) where no browser opens and stderr is no terminal: in a container,
# below a client of MCP that keeps a log, or in CI.
#
# One would guess: the log has the address of the login page, for somebody to open it elsewhere; only a terminal wraps lines.
#
# Seen on 2026-11-28, Python 3.11: the log has it in pieces of less than forty characters, each with white space before and after it,
# as for a terminal of 80 columns with three columns of a table. What is copied from there is not an address, and none of
# the pieces but the first can be clicked; `grep` for the end of the address finds nothing. COLUMNS=2000 makes it one piece.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/fastmcp-4.2.3.txt"
cp "$here/fastmcp_login.py" "$temp/"
cd "$temp"

cat >login.py <<'PYTHON'
import anyio
from fastmcp_login import Browser, later, tools, visit_until_answered


def elsewhere(url):
    print(url)
    later(visit_until_answered)(url)


Browser.then = elsewhere
anyio.run(tools)
PYTHON
cat >finding.py <<'PYTHON'
import subprocess
import sys


def printed(environment):
    """Whether stderr has the address in one piece, and else the length of its longest piece."""
    command = ["env", "-u", "COLUMNS", *environment, sys.executable, "-W", "ignore", "login.py"]
    login = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    url, log = login.stdout.strip(), login.stderr
    if url in log:
        return "one piece"
    words = [word for word in log.split() if word in url and len(word) > 2]
    assert url.startswith(words[0]) and url in "".join(log.split()), log
    return max(len(word) for word in words)


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


expect("the longest piece", printed([]), 38)
expect("with COLUMNS", printed(["COLUMNS=2000"]), "one piece")
PYTHON
HOME="$temp" PYTHONDONTWRITEBYTECODE=1 venv/bin/python finding.py
echo "as seen on 2026-11-28"
