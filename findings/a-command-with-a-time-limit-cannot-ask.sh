#!/usr/bin/env bash
# timeout of GNU coreutils 9.1 (Debian 12) before a program that asks the user, here Python's `input` and `getpass` as login
# commands use them: `timeout 10 PROGRAM`, typed into bash 5.2, and the same line in a script.
#
# One would guess: it asks, and is ended after ten seconds; what works when it is typed works in a script.
#
# Seen on 2026-11-28: typed, it works. In a script the program is stopped when it reads its answer from the terminal, or
# turns off its echo, and does nothing until the time is over (status 124): timeout makes its command a process group of its
# own, and that is one in the background of the terminal unless the shell has made it its job already, as an interactive one
# does for each command. `getpass` does not even ask. `timeout --foreground` asks, and then does not end what the program
# has started.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" coreutils=9.1-1 bash=5.2.15-2+b13 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done

cat >"$temp/finding.py" <<'PYTHON'
import os
import pty
import re
import select
import sys
import time

root, home = sys.argv[1:]
env = {"PATH": f"{root}/usr/bin:{root}/bin:{os.environ['PATH']}", "HOME": home, "TERM": "xterm", "PS1": "READY> "}
ASKS = "python3 -c 'print(\"answer:\", input(\"user: \"))'"
ASKS_IN_SECRET = "python3 -c 'import getpass; print(\"answer:\", getpass.getpass(\"secret: \"))'"


def session(line):
    """Types a line into a shell, and an answer, and returns what is shown until the line has ended."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(f"{root}/bin/bash", ["bash", "--norc", "--noprofile", "-i"], env)
    os.write(terminal, f"{line}; echo ended: $?\r".encode())
    shown, answered, until = "", None, time.monotonic() + 120
    while not (ended := re.search(r"ended: (\d+)", shown)):
        assert time.monotonic() < until, shown
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 65536).decode()
        if answered is None and os.path.exists(f"{home}/asking"):
            os.remove(f"{home}/asking")
            os.write(terminal, b"ann\r")
            answered = True
    os.write(terminal, b"\x04")
    os.close(terminal)
    os.waitpid(child, 0)
    return int(ended[1]), "answer: ann" in shown


for asks in (ASKS, ASKS_IN_SECRET):
    # It says by a file that it is about to ask.
    asks = asks.replace("python3 -c '", f"python3 -c 'open(\"{home}/asking\", \"w\"); ")
    for limit, script, wanted in (
        ("timeout 10", False, (0, True)),
        ("timeout 10", True, (124, False)),
        ("timeout --foreground 10", True, (0, True)),
    ):
        line = f"{limit} {asks}"
        if script:
            with open(f"{home}/script", "w") as file:
                file.write(f"{line}\nexit $?\n")
            line = f"bash {home}/script"
        status, has_answer = session(line)
        print(f"{limit}, {'in a script' if script else 'typed'}: status {status}, {'asks' if has_answer else 'does not ask'}")
        assert (status, has_answer) == wanted, f"expected {wanted}"
PYTHON
mkdir "$temp/home"
python3 "$temp/finding.py" "$temp/root" "$temp/home"
echo "as seen on 2026-11-28"
