#!/usr/bin/env bash
# setsid of util-linux 2.38.1 (Debian 12), which takes a program off the terminal, so that it cannot ask there and no Ctrl-C
# reaches it: `setsid LOGIN && CLIENT`, typed into bash 5.2, and the same line in a script.
#
# One would guess: it runs the program as `env` or `nice` do, and ends with its status.
#
# Seen on 2026-11-28: so it is in a script. Typed, it is over at once with status 0, and the login goes on in the
# background: the client starts without a login, and nobody hears that the login failed. A process that leads its group
# cannot begin a session, so setsid forks then and does not wait, and an interactive shell makes each command the leader of
# a group. In `$(setsid LOGIN)`, and as a later part of a pipeline, it waits when it is typed, too, because it leads no
# group there. `setsid --wait` does what one expects everywhere.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" util-linux=2.38.1-5+deb12u3 bash=5.2.15-2+b13 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in util-linux_ bash_; do
    dpkg-deb --extract "$temp/packages/$package"*.deb "$temp/root"
done

cat >"$temp/finding.py" <<'PYTHON'
import os
import pty
import re
import select
import sys
import time

root, home = sys.argv[1:]
env = {"PATH": f"{root}/usr/bin:{root}/bin:/usr/bin:/bin", "HOME": home, "TERM": "dumb", "PS1": ""}
# It goes on until the next command has run, or, where that waits for it, for two seconds; then it fails.
with open(f"{home}/login", "w", opener=lambda path, flags: os.open(path, flags, 0o700)) as file:
    file.write("#!/bin/sh\nn=0\nwhile [ $n -lt 20 ] && [ ! -e ~/client ]; do sleep 0.1; n=$((n+1)); done\nexit 3\n")


def session(line):
    """Types a line into a shell; returns the status that it shows."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(f"{root}/bin/bash", ["bash", "--norc", "--noprofile", "-i"], env)
    os.write(terminal, f"{line}; echo ended: $?; touch ~/client\r".encode())
    shown, until = "", time.monotonic() + 60
    while not (ended := re.search(r"ended: (\d+)", shown)):
        assert time.monotonic() < until, shown
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 65536).decode()
    while not os.path.exists(f"{home}/client"):
        assert time.monotonic() < until, shown
        time.sleep(0.05)
    os.remove(f"{home}/client")
    os.write(terminal, b"exit\r")
    os.close(terminal)
    os.waitpid(child, 0)
    return int(ended[1])


def in_script(line):
    with open(f"{home}/script", "w") as script:
        script.write(f"{line}\nexit $?\n")
    return session("bash ~/script")


def check(name, seen, wanted):
    print(f"{name}: status {seen}")
    assert seen == wanted, f"expected {wanted}"


check("setsid, in a script", in_script("setsid ~/login"), 3)
check("setsid, typed", session("setsid ~/login"), 0)
check("setsid, typed in $(...)", session("token=$(setsid ~/login)"), 3)
check("setsid, typed after a pipe", session("true | setsid ~/login"), 3)
check("setsid, typed before a pipe", session("set -o pipefail; setsid ~/login | cat"), 0)
check("setsid --wait, typed", session("setsid --wait ~/login"), 3)
PYTHON
mkdir "$temp/home"
python3 "$temp/finding.py" "$temp/root" "$temp/home"
echo "as seen on 2026-11-28"
