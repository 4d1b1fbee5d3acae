#!/usr/bin/env bash
# Nine ways in which root runs a program as another user: runuser, su and setpriv of util-linux 2.38.1, chroot of coreutils 9.1,
# start-stop-daemon of dpkg 1.21.23, chpst of runit 2.1.2, setuidgid of daemontools 0.76 and gosu 1.14 (all Debian 12), and
# supervisor==4.3.0 (PyPI) with `user=`.
#
# One would guess: a program that runs as ann finds ann's files, as with `su` and `sudo -u`: a login that ann has made, ann's keyring.
#
# Seen on 2026-11-29: with setpriv, chroot, chpst, setuidgid and supervisor `HOME`, `USER` and `LOGNAME` stay those of root. So the
# program is ann and looks for its login in /root, which it may not read. start-stop-daemon and gosu set `HOME` and leave `USER` and
# `LOGNAME`, so that a name in a message, or in what is stored, is root's. All three change with su, runuser, and setpriv with
# `--reset-env`.
#
# Needs Debian 12 on x86-64 with apt-get, root, Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
chmod 755 "$temp"
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" util-linux=2.38.1-5+deb12u3 coreutils=9.1-1 dpkg=1.21.23 runit=2.1.2-54 \
    daemontools=1:0.76-8.1 gosu=1.14-1+b10 >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps supervisor==4.3.0

cat >show <<'SHELL'
#!/bin/sh
echo "$(id -un): HOME=$HOME USER=$USER LOGNAME=$LOGNAME"
SHELL
chmod 755 show
cat >finding.py <<'PYTHON'
import os
import pathlib
import subprocess
import time

here = os.getcwd()
show = f"{here}/show"
env = {"HOME": "/root", "USER": "root", "LOGNAME": "root"}
env["PATH"] = ":".join(f"{here}/root{each}" for each in ("/usr/bin", "/bin", "/usr/sbin", "/sbin")) + ":/usr/sbin:/usr/bin:/sbin:/bin"
# A user that every Debian has.
NAME, HOME = "games", "/usr/games"
ALL = f"{NAME}: HOME={HOME} USER={NAME} LOGNAME={NAME}"
HOME_ONLY = f"{NAME}: HOME={HOME} USER=root LOGNAME=root"
NOTHING = f"{NAME}: HOME=/root USER=root LOGNAME=root"


def supervisor():
    """What the program says that supervisor starts once."""
    pathlib.Path("supervisord.conf").write_text(
        f"[supervisord]\nlogfile={here}/log\npidfile={here}/pid\nuser=root\n"
        f"[program:show]\ncommand={show}\nuser={NAME}\nautorestart=false\nstartsecs=0\nstdout_logfile={here}/shown\n"
    )
    daemon = subprocess.Popen(["venv/bin/supervisord", "-n", "-c", "supervisord.conf"], env=env, stdout=subprocess.DEVNULL)
    try:
        shown, until = pathlib.Path("shown"), time.monotonic() + 60
        while not (shown.exists() and shown.read_text().endswith("\n")):
            assert time.monotonic() < until, pathlib.Path("log").read_text()
            time.sleep(0.1)
        return shown.read_text()
    finally:
        daemon.terminate()
        daemon.wait()


def said(*command):
    return subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout


def expect(what, seen, wanted):
    print(f"{what}: {seen.strip()}")
    assert seen.strip() == wanted, f"expected {wanted}"


ids = (f"--reuid={NAME}", f"--regid={NAME}", "--init-groups")
for wanted, *command in (
    (ALL, "su", NAME, "-s", "/bin/sh", "-c", show),
    (ALL, "runuser", "-u", NAME, "--", show),
    (ALL, "setpriv", *ids, "--reset-env", show),
    (HOME_ONLY, "start-stop-daemon", "--start", "--chuid", NAME, "--exec", show),
    (HOME_ONLY, "gosu", NAME, show),
    (NOTHING, "setpriv", *ids, show),
    (NOTHING, "chroot", f"--userspec={NAME}", "/", show),
    (NOTHING, "chpst", "-u", NAME, show),
    (NOTHING, "setuidgid", NAME, show),
):
    expect(" ".join(command[:-1]), said(*command), wanted)
expect(f"supervisor, user={NAME}", supervisor(), NOTHING)
PYTHON
python3 finding.py
echo "as seen on 2026-11-29"
