#!/usr/bin/env bash
# sudo=1.9.13p3-1+deb12u4 as Debian 12 sets it up, in a script that gives the password and then what the program asks for:
# `printf '%s\n' "$password" "$token" | sudo -S login`, twice, as for two servers.
#
# One would guess: `-S` makes sudo read the first line, as "read the password from the standard input" in its help says, and the
# program gets the rest. It worked the first time, and the second time is the same.
#
# Seen on 2026-11-29: the second time sudo needs no password, for 15 minutes, and reads none, so that the program gets the password as its
# first line, and stores the password as the token, or sends it to the server, with success. So it does, from the first time
# on, where the user may run the program without a password. With `-k` beside `-S`, where a password is needed, each time is the same.
#
# Needs Debian 12 on x86-64 with apt-get, root, an overlay filesystem, and Python 3. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
chmod 755 "$temp"
cd "$temp"
mkdir -p packages/partial root layers
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" sudo=1.9.13p3-1+deb12u4 >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done

cat >login.sh <<'SHELL'
# A program that is given a token.
read -r token
echo "$token is stored"
SHELL
cat >finding.sh <<'SHELL'
# sudo reads what root has in /etc, so the package and a user are laid over this computer's, for this process alone.
set -euo pipefail
mount -t tmpfs tmpfs layers
mkdir layers/{etc,usr}{,-work}
mount -t overlay overlay -o "lowerdir=root/etc:/etc,upperdir=layers/etc,workdir=layers/etc-work" /etc
mount -t overlay overlay -o "lowerdir=root/usr:/usr,upperdir=layers/usr,workdir=layers/usr-work" /usr
for directory in /run /var/lib /var/mail; do
    mount -t tmpfs tmpfs "$directory"
done
chown root:root /etc/sudoers /etc/sudoers.d /usr/bin/sudo
chmod 440 /etc/sudoers
chmod 4755 /usr/bin/sudo
getent group sudo >/dev/null || groupadd sudo
useradd --no-create-home --shell /bin/bash --groups sudo alice
echo alice:a-password | chpasswd
python3 finding.py
SHELL

cat >finding.py <<'PYTHON'
import os
import pty
import subprocess

ALICE = ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "env", "-i", "PATH=/usr/bin:/bin", "bash", "-c"]
LOGIN = "printf '%s\\n' a-password a-token | sudo -S -p '' bash login.sh"
LOGIN_K = LOGIN.replace("-S", "-k -S")


def in_a_script(script):
    return subprocess.run([*ALICE, script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=60).stdout


def typed(script):
    """The same on a terminal of its own."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(ALICE[0], [*ALICE, script])
    shown = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            part = b""
        if not part:
            break
        shown += part
    os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode()


def expect(what, shown, *wanted):
    seen = [line.removesuffix(" is stored") for line in shown.splitlines() if line.endswith(" is stored")]
    print(f"{what}: {' and '.join(seen)} is stored")
    assert seen == list(wanted), f"expected {wanted}, {shown!r}"


for what, run in ("in a script", in_a_script), ("on a terminal", typed):
    expect(f"two logins {what}", run(f"{LOGIN}; {LOGIN}"), "a-token", "a-password")
    expect(f"two logins with -k {what}", run(f"{LOGIN_K}; {LOGIN_K}"), "a-token", "a-token")
with open("/etc/sudoers.d/finding", "w") as sudoers:
    sudoers.write("alice ALL = NOPASSWD: ALL\n")
expect("one login of a user who needs no password", in_a_script(LOGIN), "a-password")
PYTHON
unshare --mount --pid --fork --mount-proc bash finding.sh
echo "as seen on 2026-11-29"
