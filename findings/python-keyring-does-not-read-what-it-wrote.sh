#!/usr/bin/env bash
# keyring 25.7.0 (Python) with SecretStorage 3.5.0 and gnome-keyring 42.1 (Debian 12), where another program has stored an
# item of the same service and user name with one attribute more, as Rust's keyring does
# (`target`).
#
# One would guess: `get_password` returns what `set_password` has just stored, and `delete_password` deletes that.
#
# Seen on 2026-11-28: `set_password` writes an item of its own, which is marked with `application`; `get_password` and
# `delete_password` look for service and user name alone, and take the first item found. gnome-keyring finds them in no
# order: with twenty user names some reads return what Python has just written and others the other program's secret, and
# the next read may choose differently once anything else was stored. Some deletions remove the other program's item, and leave
# Python's own. So a refresh token that was replaced is read again, although every call succeeded.
#
# Needs Debian 12 on x86-64 with apt-get and dbus-daemon, Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
packages=(gnome-keyring=42.1-1+b2)
. "$(dirname "${BASH_SOURCE[0]}")/secret_service_session.bash"

cat >"$temp/program.py" <<'PYTHON'
from collections import Counter

import keyring
import secretstorage

USERS = [f"user{number}" for number in range(20)]
collection = secretstorage.get_default_collection(secretstorage.dbus_init())

read, left = Counter(), Counter()
for user in USERS:
    attributes = {"target": "default", "service": "mcp", "username": user}
    collection.create_item("another", attributes, b"another", replace=True)
    keyring.set_password("mcp", user, "written by Python")
    read[keyring.get_password("mcp", user)] += 1
for user in USERS:
    keyring.delete_password("mcp", user)
    left[keyring.get_password("mcp", user)] += 1

print("read after set_password:", dict(read))
print("left after delete_password:", dict(left))
assert set(read) == set(left) == {"written by Python", "another"}, (read, left)
assert sum(read.values()) == sum(left.values()) == len(USERS)
PYTHON
in_session gnome-keyring "$temp/program.py"
echo "as seen on 2026-11-28"
