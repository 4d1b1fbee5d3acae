#!/usr/bin/env bash
# GNU screen=4.9.0-4 (Debian 12): a program that prints a login address as a link (OSC 8), as command lines do on terminals
# that know links. screen 4.9 does not know them.
#
# One would guess: what a terminal does not know in an escape sequence it swallows up to its end (ECMA-48 section 8.3.89), so a
# link shows as its text; and a try with a short address shows whether all is well.
#
# Seen on 2026-11-28: up to 768 characters in the sequence that is so. Of a longer one screen swallows the first 768 and prints
# the rest on the terminal, as text in front of the link's own: part of an address that looks whole and is not. The addresses
# of a login with PKCE, `resource` and several scopes are that long, the ones that a developer tries are not. The text of the
# link itself arrives whole.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root" "$temp/home"
chmod 700 "$temp/home"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" screen=4.9.0-4 >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done

cat >"$temp/finding.py" <<'PYTHON'
import os
import pty
import select
import subprocess
import sys
import time

root, home = sys.argv[1:]
env = {"PATH": f"{root}/usr/bin:{os.environ['PATH']}", "HOME": home, "SCREENDIR": home, "TERM": "xterm", "LANG": "C.UTF-8"}


def shown(sequence):
    """What is on the terminal after a link with this many characters between `ESC ]` and its end."""
    for name in ("program", "copy"):
        if os.path.exists(f"{home}/{name}"):
            os.remove(f"{home}/{name}")
    url = "https://as.example/authorize?state=" + "x" * (sequence - len("8;;https://as.example/authorize?state="))
    with open(f"{home}/program", "w") as program:
        program.write(f"printf '\\033]8;;%s\\033\\\\the link\\033]8;;\\033\\\\, and more\\n' '{url}'; read wait")
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe("screen", ["screen", "-c", "/dev/null", "-S", "finding", "sh", f"{home}/program"], env)
    screen = ["screen", "-S", "finding", "-X"]
    until = time.monotonic() + 60
    text = ""
    while "and more" not in text:
        assert time.monotonic() < until, f"the terminal shows {text!r}"
        # What screen draws has to be read.
        if select.select([terminal], [], [], 0.2)[0]:
            os.read(terminal, 65536)
        subprocess.run([*screen, "hardcopy", f"{home}/copy"], env=env, stdout=subprocess.DEVNULL)
        if os.path.exists(f"{home}/copy"):
            text = "".join(line.rstrip("\n") for line in open(f"{home}/copy")).rstrip()
    subprocess.run([*screen, "quit"], env=env, check=True)
    os.close(terminal)
    os.waitpid(child, 0)
    return text


for length, spilled in ((100, 0), (768, 0), (800, 32), (1500, 732)):
    text = shown(length)
    print(f"{length} characters: {text.count('x')} of them are shown, then {text.lstrip('x')!r}")
    assert text == "x" * spilled + "the link, and more", f"expected {spilled}"
PYTHON
python3 "$temp/finding.py" "$temp/root" "$temp/home"
echo "as seen on 2026-11-28"
