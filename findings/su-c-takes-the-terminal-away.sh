#!/usr/bin/env bash
# su and runuser of util-linux 2.38.1 (Debian 12), with which root runs a program that asks for a password, here git 2.39.5, as
# another user on a terminal.
#
# One would guess: `su USER -c PROGRAM` runs the program as one would after `su USER`, and `runuser USER -c` does as `runuser -u USER`.
#
# Seen on 2026-11-29: after `-c` the program is in a session of its own, without a controlling terminal, though stdin, stdout and
# stderr are the terminal: `isatty` says yes, and what is asked on `/dev/tty`, as by git, fails with "No such
# device or address". So a login that works when it is typed after `su USER` fails as one line of a manual. It is meant to keep
# the program from typing into root's terminal. `--pty` gives it a terminal of its own, `--session-command` the one that there is;
# `runuser -u USER -- PROGRAM` and setpriv do not take it away.
#
# Needs Debian 12 on x86-64 with apt-get, root, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
chmod 755 "$temp"
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" util-linux=2.38.1-5+deb12u3 git=1:2.39.5-0+deb12u3 \
    libcurl3-gnutls=7.88.1-10+deb12u15 >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done

cat >finding.py <<'PYTHON'
import os
import pty
import re
import select
import time

here = os.getcwd()
env = {
    "PATH": f"{here}/root/usr/bin:{here}/root/bin:{here}/root/usr/sbin:{here}/root/sbin:/usr/bin:/bin",
    "LD_LIBRARY_PATH": f"{here}/root/usr/lib/x86_64-linux-gnu",
    "GIT_EXEC_PATH": f"{here}/root/usr/lib/git-core",
    "HOME": here,
    "TERM": "dumb",
    "LC_ALL": "C",
}
# A program that says whether stdin is a terminal, and asks as `git push` does.
with open("ask", "w", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
    file.write("#!/bin/sh\n[ -t 0 ] && echo stdin: terminal\nprintf 'protocol=https\\nhost=as.example\\n\\n' | git credential fill\n")


def asked(*command):
    """Runs a command on a terminal, where each question is answered; returns what came of it."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, env)
    shown, until, answers = "", time.monotonic() + 60, {"Username for": "ann", "Password for": "a-secret"}
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            shown += os.read(terminal, 65536).decode()
        except OSError:
            break
        for question in [each for each in answers if each in shown]:
            os.write(terminal, f"{answers.pop(question)}\r".encode())
    os.waitpid(child, 0)
    os.close(terminal)
    assert "stdin: terminal" in shown, shown
    return re.search(r"(password=.*|fatal: .*)\r", shown)[1].removeprefix("fatal: ")


def expect(seen, wanted, *command):
    print(f"{' '.join(command).replace(here + '/', '')}: {seen}")
    assert seen == wanted, f"expected {wanted}"


good = "password=a-secret"
gone = "could not read Username for 'https://as.example': No such device or address"
ask = f"{here}/ask"
as_user = ("nobody", "-s", "/bin/sh", "-p")
for command, wanted in (
    ((ask,), good),
    (("su", *as_user, "-c", ask), gone),
    (("runuser", *as_user, "-c", ask), gone),
    (("su", *as_user, "--pty", "-c", ask), good),
    (("su", *as_user, "--session-command", ask), good),
    (("runuser", "-u", "nobody", "--", ask), good),
    (("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", ask), good),
):
    expect(asked(*command), wanted, *command)
PYTHON
python3 finding.py
echo "as seen on 2026-11-29"
