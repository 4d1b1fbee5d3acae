#!/usr/bin/env bash
# GNU make=4.3-4.1 (Debian 12) on a terminal, with the target `all: build login`, where `login` asks the user a question on its standard
# input and `build` takes a while and reads nothing: `make -j2`, or `MAKEFLAGS=-j2` of who has several processors.
#
# One would guess: all jobs have the terminal, so that the one that asks gets the answer, and only two that ask at once are in each
# other's way.
#
# Seen on 2026-11-29: make gives the terminal to one job at a time, the one that it started first, whether that reads or not.
# The question is shown, and is answered by the end of the input at once. With `all: login build`, without `-j`, or with `login`
# alone it can ask. So the login fails on the computer with `-j`, or from the day on that a target before it has something to
# do, and succeeds when `make` is called again, as that target is up to date. What is asked on /dev/tty, as by getpass, arrives.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" make=4.3-4.1 >said 2>&1 || { cat said >&2; exit 1; }
dpkg-deb --extract packages/make_*.deb root

cat >login.py <<'PYTHON'
import getpass
import sys

try:
    ask = {"stdin": input, "tty": getpass.getpass}[sys.argv[1]]
    print(f"{ask('The code: ')} is the code")
except EOFError:
    print("the end of the input")
PYTHON
cat >Makefile <<'MAKE'
all: built login
first: login built
login:
	@python3 login.py stdin
hidden: built login-tty
login-tty:
	@python3 login.py tty
built:
	@until test -e asked; do sleep 0.05; done
	@touch built
MAKE

cat >finding.py <<'PYTHON'
import os
import pty
import select
import sys
import time

make = "root/usr/bin/make"
environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8"}


def run(*arguments):
    """What is on the terminal after the question, to which the user answers `1234`."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(make, [make, *arguments], environment)
    shown, answered, until = b"", False, time.monotonic() + 30
    while True:
        assert time.monotonic() < until, shown
        if not select.select([terminal], [], [], 0.1)[0]:
            # Without `-j` what is built comes before the question.
            if arguments[0] == "-j1":
                open("asked", "w").close()
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:
            part = b""
        if not part:
            break
        shown += part
        if b"The code: " in shown and not answered:
            os.write(terminal, b"1234\n")
            answered = True
            # What is built beside it ends after the question.
            open("asked", "w").close()
    os.waitpid(child, 0)
    os.close(terminal)
    assert answered, shown
    return "the code" if b"1234 is the code" in shown else "the end of the input" if b"the end of the input" in shown else shown


def expect(what, wanted, *arguments, built=False):
    for name in ("built", "asked"):
        if os.path.exists(name):
            os.remove(name)
    if built:
        open("built", "w").close()
    seen = run(*arguments)
    print(f"{what}: the login reads {seen}")
    assert seen == wanted, f"expected {wanted}"


expect("make -j2, `all: built login`", "the end of the input", "-j2", "all")
expect("make -j2, once more when all else is built", "the code", "-j2", "all", built=True)
expect("make -j2, `first: login built`", "the code", "-j2", "first")
expect("make -j2, the login alone", "the code", "-j2", "login")
expect("make, `all: built login`", "the code", "-j1", "all")
expect("make -j2, a question on /dev/tty", "the code", "-j2", "hidden")
environment["MAKEFLAGS"] = "-j2"
expect("make with MAKEFLAGS, `all: built login`", "the end of the input", "all")
PYTHON
python3 finding.py
echo "as seen on 2026-11-29"
