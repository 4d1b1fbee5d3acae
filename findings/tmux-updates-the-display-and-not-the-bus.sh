#!/usr/bin/env bash
# tmux 3.3a (Debian 12) as it comes, whose server was started in one place and is attached from another: in a login over ssh, and
# then at the desktop of the same machine, or the other way round. A program in a new window logs in.
#
# One would guess: a new window has the environment of the terminal that is attached, or it has that of tmux's start.
#
# Seen on 2026-11-29: it has some of each. With `update-environment` as it comes, tmux takes `DISPLAY`, `XAUTHORITY` and
# `SSH_CONNECTION` of the terminal, removes them where that has none, and leaves `DBUS_SESSION_BUS_ADDRESS`, `XDG_RUNTIME_DIR`,
# `WAYLAND_DISPLAY` and `BROWSER` as they were at the start of its server.
# - Started over ssh and attached at the desktop: a program finds the display (X11), on which it opens a browser, and neither
#   the bus, on which the keyring is, nor the user's `BROWSER`.
# - Started at the desktop and attached over ssh: `SSH_CONNECTION` is there, the display of X11 is gone, that of Wayland is not,
#   and the bus is the desktop's, so that a keyring may ask to be unlocked on a screen that the user is not at.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" tmux=3.3a-3 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done

cat >"$temp/finding.py" <<'PYTHON'
import os
import pathlib
import pty
import subprocess
import sys
import time

home = pathlib.Path(sys.argv[1])
root = home / "root"
plain = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm-256color", "LANG": "C.UTF-8", "TMUX_TMPDIR": str(home)}
plain["LD_LIBRARY_PATH"] = f"{root}/usr/lib/x86_64-linux-gnu"
SSH = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}
DESKTOP = {
    "DISPLAY": ":0",
    "XAUTHORITY": "/run/user/1000/xauth",
    "WAYLAND_DISPLAY": "wayland-0",
    "XDG_RUNTIME_DIR": "/run/user/1000",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus",
    "BROWSER": "firefox",
}
NAMES = SSH | DESKTOP


def tmux(name, *arguments, place=None):
    command = [root / "usr/bin/tmux", "-L", name, "-f", "/dev/null", *arguments]
    return subprocess.run(command, env=plain | (place or {}), check=True, capture_output=True, text=True, timeout=60).stdout


def window(name, started, attached):
    """Which of the names a new window has when the server was started in one place and is attached in another."""
    tmux(name, "new-session", "-d", "-s", "main", "sleep 100", place=started)
    child, terminal = pty.fork()
    if child == 0:
        os.execve(root / "usr/bin/tmux", ["tmux", "-L", name, "attach", "-t", "main"], plain | attached)
    try:
        until = time.monotonic() + 30
        while not tmux(name, "list-clients").strip():
            assert time.monotonic() < until, "not attached"
            time.sleep(0.1)
        file = home / f"{name}.env"
        tmux(name, "new-window", "-t", "main", f"env >{file}.new; mv {file}.new {file}; sleep 100")
        while not file.exists():
            assert time.monotonic() < until, "no window"
            time.sleep(0.1)
        return {line.partition("=")[0] for line in file.read_text().splitlines()} & set(NAMES)
    finally:
        tmux(name, "kill-server")
        os.close(terminal)
        os.waitpid(child, 0)


def expect(what, seen, wanted):
    print(f"{what}: {' '.join(sorted(seen))}")
    assert seen == wanted, f"expected {sorted(wanted)}"


updated = {"DISPLAY", "XAUTHORITY"}
expect("started at the desktop, attached there", window("a", DESKTOP, DESKTOP), set(DESKTOP))
expect("started over ssh, attached at the desktop", window("b", SSH, DESKTOP), updated)
expect("started at the desktop, attached over ssh", window("c", DESKTOP, SSH), set(SSH) | set(DESKTOP) - updated)
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 "$temp/finding.py" "$temp"
echo "as seen on 2026-11-29"
