#!/usr/bin/env bash
# script of util-linux 2.38.1 (Debian 12), with which one gives a terminal to a program that wants one, in a pipeline:
# `echo SECRET | script -qec LOGIN /dev/null`; as the login a question without echo, by `getpass` of Python 3.11 and by `read -s` of
# bash 5.2.
#
# One would guess: the program reads the answer as if it had been typed, and shows nothing of it, as without echo.
#
# Seen on 2026-11-29: both show the secret, in the output that a CI keeps. script types what it reads at once, and the terminal echoes
# it when it arrives, which is before the program has asked and has turned the echo off. And getpass does not get it: it throws
# away what was typed before the question, waits for another answer, and finds the end of the input. bash keeps the answer.
# Without a terminal of its own the same getpass reads the answer from the pipe and shows nothing.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" bsdutils=1:2.38.1-5+deb12u3 bash=5.2.15-2+b13 >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done

# A program that has something to do before it asks: here, until there is something to read.
cat >login.py <<'PYTHON'
import getpass
import select
import subprocess
import sys

assert select.select([sys.stdin], [], [], 60)[0], "nothing came"
if sys.argv[1] == "getpass":
    try:
        answer = getpass.getpass("Token: ")
    except EOFError:
        answer = ""
    print("the login has", "the token" if answer == "a-secret" else "nothing")
else:
    ask = 'read -rsp "Token: " answer; [ "$answer" = a-secret ] && echo the login has the token'
    subprocess.run(["root/bin/bash", "-c", ask])
PYTHON
cat >finding.py <<'PYTHON'
import subprocess
import sys


def login(*command):
    """Gives a login the secret through a pipe; returns what the login has, and whether the secret was shown."""
    # In a session without a terminal, as in CI.
    started = subprocess.run(
        command, input="a-secret\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, start_new_session=True
    )
    has = "the login has the token" in started.stdout
    return "has it" if has else "has nothing", "shown" if "a-secret" in started.stdout else "not shown"


def expect(what, seen, wanted):
    print(f"{what}: {', '.join(seen)}")
    assert seen == wanted, f"expected {wanted}"


python = sys.executable
script = ("root/usr/bin/script", "--quiet", "--return", "--command")
expect("getpass in a pipe", login(python, "-W", "ignore", "login.py", "getpass"), ("has it", "not shown"))
expect("getpass in script", login(*script, f"{python} login.py getpass", "/dev/null"), ("has nothing", "shown"))
expect("read -s in script", login(*script, f"{python} login.py read", "/dev/null"), ("has it", "shown"))
PYTHON
python3 -W ignore finding.py
echo "as seen on 2026-11-29"
