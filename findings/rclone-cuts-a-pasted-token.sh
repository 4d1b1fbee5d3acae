#!/usr/bin/env bash
# rclone 1.60.1 (Debian 12) on a machine without a browser: `rclone config reconnect` asks for the line of JSON that `rclone
# authorize` has printed on another computer, and the user pastes it.
#
# One would guess: what is pasted arrives.
#
# Seen on 2026-11-28: the terminal keeps 4,095 characters of a line that a program reads in the usual way, and drops the
# rest without a word. An access token that is a JWT with many groups can be that long: the login that works for everybody
# else ends with "make sure you are using a matching version of rclone on both sides: unexpected end of JSON input". With
# 4,095 characters the token is taken.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" rclone=1.60.1+dfsg-2+b5 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done

cat >"$temp/finding.py" <<'PYTHON'
import json
import os
import pty
import select
import sys
import time

root, home = sys.argv[1:]


def pasted(length):
    """Pastes a token as a line of this length, and returns what is shown and what is stored then."""
    configuration = f"{home}/{length}.conf"
    with open(configuration, "w") as file:
        # No request goes out: its API is asked after the token only.
        file.write("[far]\ntype = pcloud\nclient_id = client\nclient_secret = secret\n")
    token = {"access_token": "", "token_type": "Bearer", "refresh_token": "refresh", "expiry": "2036-01-01T00:00:00Z"}
    token["access_token"] = "a" * (length - len(json.dumps(token)))
    child, terminal = pty.fork()
    if child == 0:
        command = ["rclone", "--config", configuration, "config", "reconnect", "far:"]
        os.execvpe(f"{root}/usr/bin/rclone", command, {"HOME": home, "TERM": "xterm", "PATH": os.environ["PATH"]})
    shown, until = b"", time.monotonic() + 60
    answers = [(b"y/n>", b"n\r"), (b"config_token>", json.dumps(token).encode() + b"\r")]
    while True:
        assert time.monotonic() < until, shown
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break
        if answers and answers[0][0] in shown:
            os.write(terminal, answers.pop(0)[1])
    os.waitpid(child, 0)
    return shown.decode(), open(configuration).read()


for length, is_taken in ((4095, True), (4096, False), (6000, False)):
    shown, stored = pasted(length)
    print(f"{length} characters: {'taken' if 'refresh' in stored else 'refused'}")
    assert ('"refresh"' in stored) == is_taken, stored
    assert ("unexpected end of JSON input" in shown) != is_taken, shown
PYTHON
mkdir "$temp/home"
python3 "$temp/finding.py" "$temp/root" "$temp/home"
echo "as seen on 2026-11-28"
