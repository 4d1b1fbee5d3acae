#!/usr/bin/env bash
# secret-tool of libsecret 0.20.5 with gnome-keyring 42.1 (Debian 12), by which scripts put a token into the keyring and take it out,
# beside keyring 25.7.0 (Python), whose command does the same.
#
# One would guess: `echo "$token" | secret-tool store …` stores the token, as `echo "$token" | keyring set …` does, which drops the
# newline. And `clear` removes what `lookup` has found: one login.
#
# Seen on 2026-11-29, Python 3.11: the newline is stored. A shell does not see it, as `$(secret-tool lookup …)` drops it again; a
# program that reads the same item has it in the token, and Python refuses such an `Authorization` header. And with the service alone
# `lookup` gives one login and `search` shows one, its secret with it, on standard output, where `clear` deletes the logins of all
# users of that service, those that Python has stored, too. Each of them exits with 0.
#
# Needs Debian 12 on x86-64 with apt-get and dbus-daemon, Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
packages=(gnome-keyring=42.1-1+b2 libsecret-tools=0.20.5-3)
. "$(dirname "${BASH_SOURCE[0]}")/secret_service_session.bash"

cat >"$temp/program.py" <<'PYTHON'
import http.client
import os
import subprocess

import keyring

command = f"{os.environ['TEMP_VENV']}/bin/keyring"


def shell(line):
    done = subprocess.run(["bash", "-c", line], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout


def expect(what, seen, wanted):
    print(f"{what}: {seen!r}")
    assert seen == wanted, f"expected {wanted!r}"


def header(user):
    connection = http.client.HTTPConnection("127.0.0.1")
    connection.putrequest("GET", "/")
    try:
        connection.putheader("Authorization", f"Bearer {keyring.get_password('mcp', user)}")
    except ValueError as error:
        return str(error).partition(" b'")[0]
    return "fine"


def users():
    return [user for user in ("ann", "bob", "cat") if keyring.get_password("mcp", user)]


shell("echo a-token | secret-tool store --label=login service mcp username ann")
shell(f"echo a-token | {command} set mcp bob")
expect("stored by secret-tool", keyring.get_password("mcp", "ann"), "a-token\n")
expect("stored by keyring", keyring.get_password("mcp", "bob"), "a-token")
expect("what a shell sees of it", shell('printf %s "$(secret-tool lookup service mcp username ann)"'), "a-token")
expect("a header with what keyring stored", header("bob"), "fine")
expect("a header with what secret-tool stored", header("ann"), "Invalid header value")

keyring.set_password("mcp", "cat", "of cat")
expect("given by lookup with the service alone", shell("secret-tool lookup service mcp").strip() in ("a-token", "of cat"), True)
found = shell("secret-tool search service mcp")
expect("logins of the service, shown by search", (users(), found.count("secret = ")), (["ann", "bob", "cat"], 1))
shell("secret-tool clear service mcp")
expect("logins after clear", users(), [])
PYTHON
in_session gnome-keyring "$temp/program.py"
echo "as seen on 2026-11-29"
