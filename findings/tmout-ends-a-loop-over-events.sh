#!/usr/bin/env bash
# bash=5.2.15-2+b13 (Debian 12) with `TMOUT` in its environment, as a profile for all users sets and exports it on servers where a terminal
# that nobody uses is to be closed, and scripts that wait with `read`: for the code that a user has after a login in the browser, and
# for the lines of an event stream (`curl --no-buffer … | while read -r line`).
#
# One would guess: it ends interactive shells that wait for a command, and scripts and pipes have nothing to do with it.
#
# Seen on 2026-11-29: it is the time limit of each `read` in each script below that shell, of a terminal as of a pipe. The question
# ends, with status 142 and without an answer, while the user is at the login page; the loop over the events ends at the first
# pause that is longer, and the script goes on as at the end of the stream, with status 0. `mapfile` and `$( )` wait. dash
# knows no such variable. Where no profile was read, as in cron, the same script waits. `unset TMOUT` in the script helps, also
# where the profile has made it read-only.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" bash=5.2.15-2+b13 dash=0.5.12-2 >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done

# Each waits for two seconds: for the user, for the second event, for the end of a command.
cat >question.sh <<'SHELL'
read -r code
echo "code $code, status $?"
SHELL
cat >events.sh <<'SHELL'
{ echo started; sleep 2; echo finished; } 2>errors | while read -r event; do
    echo "$event"
done
echo "the end, status $?"
SHELL
cat >command.sh <<'SHELL'
mapfile -t events < <(echo started; sleep 2; echo finished)
echo "${events[*]} and $(sleep 2; echo finished)"
SHELL
{ echo "unset TMOUT"; cat question.sh; } >unset.sh
# A profile, and a script that is started from a shell that has read it.
echo "readonly TMOUT=1; export TMOUT" >profile

cat >finding.py <<'PYTHON'
import os
import pty
import select
import time

SHELLS = {"bash": "root/bin/bash", "dash": "root/bin/dash"}


def run(*command, **environment):
    """What is on the terminal, where the user answers `1234` after two seconds."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(command[0], command, {"PATH": os.environ["PATH"], "TERM": "dumb", **environment})
    shown, answered, start = b"", False, time.monotonic()
    while True:
        assert time.monotonic() < start + 60, shown
        if not answered and time.monotonic() > start + 2:
            os.write(terminal, b"1234\n")
            answered = True
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.waitpid(child, 0)
    os.close(terminal)
    return "; ".join(line for line in shown.decode().split("\r\n") if line not in ("", "1234"))


def expect(what, wanted, *command, **environment):
    seen = run(*command, **environment)
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


BASH = SHELLS["bash"]
ANSWERED, EVENTS = "code 1234, status 0", "started; finished; the end, status 0"
expect("a question", ANSWERED, BASH, "question.sh")
expect("events", EVENTS, BASH, "events.sh")
expect("a question with TMOUT", "code , status 142", BASH, "question.sh", TMOUT="1")
expect("events with TMOUT", "started; the end, status 0", BASH, "events.sh", TMOUT="1")
expect("events with TMOUT from a profile", "started; the end, status 0", BASH, "-c", f". ./profile; {BASH} events.sh")
expect("other ways to wait with TMOUT", "started finished and finished", BASH, "command.sh", TMOUT="1")
expect("dash, a question with TMOUT", ANSWERED, SHELLS["dash"], "question.sh", TMOUT="1")
expect("dash, events with TMOUT", EVENTS, SHELLS["dash"], "events.sh", TMOUT="1")
expect("a question after `unset TMOUT`", ANSWERED, BASH, "-c", f". ./profile; {BASH} unset.sh")
PYTHON
python3 finding.py
echo "as seen on 2026-11-29"
