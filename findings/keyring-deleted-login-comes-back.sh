#!/usr/bin/env bash
# keyring==25.7.0 with keyrings.alt==5.0.2 (Python, gnome-keyring 42.1 of Debian 12): a login that was first made where the
# session's keyring is out of reach, as over ssh or in cron, then again on the desktop, and is deleted there.
#
# One would guess: after `delete_password` without an error, `get_password` returns None; and what was set last is what there
# is.
#
# Seen on 2026-11-28, Python 3.11: the deleted login is followed by the older one. With two backends the library chains them:
# it stores into and deletes from the first that there is, but reads through all. So the desktop's login hides the one in the
# file of keyrings.alt, and its deletion uncovers that: a program that has logged out goes on with a login of months ago, and
# without the desktop's session it never saw the newer one. A second `delete_password` raises PasswordDeleteError, and leaves
# the file as it is: from the desktop the old login cannot be deleted at all.
#
# Needs Debian 12 on x86-64 with apt-get and dbus-daemon, Python 3.10 or newer with venv, and PyPI. Fails if any of this has
# changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
packages=(gnome-keyring=42.1-1+b2)
. "$(dirname "${BASH_SOURCE[0]}")/secret_service_session.bash"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps keyrings.alt==5.0.2

cat >"$temp/program.py" <<'PYTHON'
import os
import subprocess
import sys

import keyring
from keyring.errors import PasswordDeleteError


def elsewhere(what):
    """What a program says that has this home, and no session bus."""
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    program = f"import keyring; print(keyring.{what})"
    return subprocess.run([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


def delete():
    try:
        keyring.delete_password("a server", "ann")
    except PasswordDeleteError:
        return "PasswordDeleteError"
    return "no error"


expect("set without a session", elsewhere("set_password('a server', 'ann', 'old')"), "None")
keyring.set_password("a server", "ann", "new")
expect("read after it was set on the desktop", keyring.get_password("a server", "ann"), "new")
expect("read without a session", elsewhere("get_password('a server', 'ann')"), "old")
expect("delete", delete(), "no error")
expect("read after that", keyring.get_password("a server", "ann"), "old")
expect("delete again", delete(), "PasswordDeleteError")
expect("read after that", keyring.get_password("a server", "ann"), "old")
PYTHON
in_session gnome-keyring "$temp/program.py"
echo "as seen on 2026-11-28"
