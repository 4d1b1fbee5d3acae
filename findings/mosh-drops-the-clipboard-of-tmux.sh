#!/usr/bin/env bash
# tmux 3.3a in mosh 1.4.0 (both Debian 12): a program on a far machine puts a login address on the user's clipboard (OSC
# 52), in tmux with `set-clipboard on`, on a connection of mosh, which brings such text to the user's terminal since 1.4.
#
# One would guess: as each of them passes the clipboard on, both together do.
#
# Seen on 2026-11-28: mosh alone and tmux alone pass on `ESC ] 52 ; c ; TEXT`, and tmux in mosh passes nothing, without a
# word. tmux writes what it gets anew, with an empty name of the selection (`ESC ] 52 ; ; TEXT`), and mosh passes on what
# names `c`. With `terminal-overrides ',*:Ms=\E]52;c;%p2%s\007'` in tmux it arrives.
#
# Needs Debian 12 on x86-64 with apt-get and the locale C.UTF-8, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root" "$temp/home"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" mosh=1.4.0-1+b1 tmux=3.3a-3 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done

cat >"$temp/finding.py" <<'PYTHON'
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

root, home = sys.argv[1:]
env = {
    "PATH": f"{root}/usr/bin:/usr/bin:/bin",
    "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu",
    "HOME": home,
    "TMUX_TMPDIR": home,
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
}

# Copies "hello" when it is told to, and shows a word after it.
with open(f"{home}/program", "w") as program:
    program.write("echo ready; read go; printf '\\033]52;c;aGVsbG8=\\007'; echo copied; read wait\n")
COPY = ["sh", f"{home}/program"]


def in_tmux(*settings):
    with open(f"{home}/tmux.conf", "w") as file:
        file.write("\n".join(("set -s set-clipboard on", *settings)) + "\n")
    return ["tmux", "-f", f"{home}/tmux.conf", "new-session", " ".join(COPY)]


def clipboard(command, over_mosh):
    """Returns what asks the user's terminal to copy something."""
    more = {}
    if over_mosh:
        server = ["mosh-server", "new", "-s", "-i", "127.0.0.1", "-c", "256", "-l", "LANG=C.UTF-8", "--", *command]
        connection = env | {"SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 22"}
        begun = subprocess.run(server, env=connection, capture_output=True, text=True, check=True).stdout
        port, more["MOSH_KEY"] = re.search(r"MOSH CONNECT (\d+) (\S+)", begun).groups()
        command = ["mosh-client", "127.0.0.1", port]
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, env | more)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    shown, until = b"", time.monotonic() + 60
    for word in (b"ready", b"copied"):
        while word not in shown:
            assert time.monotonic() < until, shown
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 65536)
        # After the second one the program ends, and all that carries it.
        os.write(terminal, b"\r")
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass
    os.close(terminal)
    os.waitpid(child, 0)
    return re.findall(rb"\x1b(\]52;[^\x07\x1b]*)", shown)


WITH_MS = r"set -as terminal-overrides ',*:Ms=\E]52;c;%p2%s\007'"
for name, command, over_mosh, wanted in (
    ("mosh", lambda: COPY, True, [b"]52;c;aGVsbG8="]),
    ("tmux", lambda: in_tmux(), False, [b"]52;;aGVsbG8="]),
    ("tmux in mosh", lambda: in_tmux(), True, []),
    ("tmux in mosh, with Ms", lambda: in_tmux(WITH_MS), True, [b"]52;c;aGVsbG8="]),
):
    seen = clipboard(command(), over_mosh)
    print(f"{name}: {[part.decode() for part in seen]}")
    assert seen == wanted, f"expected {wanted}"
PYTHON
python3 "$temp/finding.py" "$temp/root" "$temp/home"
echo "as seen on 2026-11-28"
