#!/usr/bin/env bash
# git=1:2.39.5-0+deb12u3 (Debian 12) with `credential.helper = cache --timeout=3600`, which keeps a token in the memory of a process that it
# starts, where git runs in a terminal of its own: a window of tmux=3.3a-3, `script -c` of util-linux 2.38.1, or any terminal that is
# there for one command, as with `ssh -t HOST 'git fetch'` and `docker exec --tty`.
#
# One would guess: the token is there for an hour, whoever asked first; so it is after a command that was typed into a shell.
#
# Seen on 2026-11-29: the process with the token ends with the terminal in which it was started, at the SIGHUP of its end, and with it all
# tokens that it has. With one command for each terminal nothing is ever kept, and git asks each time; and where the first one was
# of a script in a window, all others are asked again when that window is closed. If the first command was typed into an
# interactive bash the process goes on, also after that terminal is closed, and so it does without a terminal. With
# `credentialCache.ignoreSIGHUP` it goes on everywhere.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" git=1:2.39.5-0+deb12u3 libcurl3-gnutls=7.88.1-10+deb12u15 tmux=3.3a-3 \
    >said 2>&1 || { cat said >&2; exit 1; }
for package in git_ libcurl3-gnutls_ tmux_ libevent-core libutempter; do
    for file in packages/"$package"*.deb; do
        [ ! -e "$file" ] || dpkg-deb --extract "$file" root
    done
done
cat >askpass <<'SHELL'
#!/bin/sh
# The user, who gives the token whenever asked.
case $1 in
Username*) echo alice ;;
*) echo a-token; echo . >>asked ;;
esac
SHELL
chmod +x askpass

cat >finding.py <<'PYTHON'
import base64
import os
import pty
import select
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(BaseHTTPRequestHandler):
    """An empty repository for who has the token."""

    def do_GET(self):
        _, _, password = base64.b64decode(self.headers.get("Authorization", "Basic ")[6:]).decode().partition(":")
        self.send_response(200 if password == "a-token" else 401)
        if password != "a-token":
            self.send_header("WWW-Authenticate", 'Basic realm="a repository"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = os.path.abspath("root")
FETCH = f"git ls-remote http://127.0.0.1:{server.server_port}/a.git"
environment = {
    "PATH": f"{root}/usr/bin:{os.environ['PATH']}",
    "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu",
    "GIT_EXEC_PATH": f"{root}/usr/lib/git-core",
    "HOME": os.getcwd(),
    "TMUX_TMPDIR": os.getcwd(),
    "TERM": "dumb",
    "PS1": "$ ",
    "LANG": "C.UTF-8",
    "GIT_ASKPASS": os.path.abspath("askpass"),
    "GIT_CONFIG_NOSYSTEM": "1",
}


def without_terminal(command):
    subprocess.run(["sh", "-c", command], env=environment, stdin=subprocess.DEVNULL, start_new_session=True, check=True)


def terminal(command, typed=()):
    """A terminal for one command, or for a shell into which something is typed; it is closed at the end."""
    child, descriptor = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, environment)
    shown, waiting, until = b"", list(typed), time.monotonic() + 60
    while True:
        assert time.monotonic() < until, shown
        if not select.select([descriptor], [], [], 0.2)[0]:
            continue
        try:
            part = os.read(descriptor, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
        if shown.endswith(b"$ ") and typed:
            if not waiting:
                # The user closes the window.
                break
            os.write(descriptor, waiting.pop(0).encode() + b"\n")
            shown = b""
    os.close(descriptor)
    os.waitpid(child, 0)


def for_one_command(command):
    terminal(["sh", "-c", command])


def script(command):
    subprocess.run(["script", "-qec", command, "/dev/null"], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def window(command):
    done = f"done-{time.monotonic_ns()}"
    subprocess.run(["tmux", "new-window", f"{command}; tmux wait-for -S {done}"], env=environment, check=True)
    subprocess.run(["tmux", "wait-for", done], env=environment, check=True, timeout=60)
    # Its terminal is closed a moment later.
    until = time.monotonic() + 30
    while subprocess.run(["tmux", "list-windows"], env=environment, capture_output=True, check=True).stdout.count(b"\n") > 1:
        assert time.monotonic() < until
        time.sleep(0.1)


def shell(command):
    terminal(["bash", "--norc", "--noprofile", "-i"], [command])


def asked():
    return len(open("asked").read().split())


def expect_closed_window():
    """A script in a window fetches first, then others do; the window is closed, and others fetch again."""
    open("asked", "w").close()
    child, descriptor = pty.fork()
    if child == 0:
        os.execvpe("sh", ["sh", "-c", f"{FETCH}; touch fetched; sleep 1000"], environment)
    until = time.monotonic() + 60
    while not os.path.exists("fetched"):
        assert time.monotonic() < until
        time.sleep(0.1)
    without_terminal(FETCH)
    before = asked()
    os.close(descriptor)
    os.waitpid(child, 0)
    time.sleep(0.5)
    without_terminal(FETCH)
    print(f"the window of a script: asked {before} times while it is open, {asked() - before} after it was closed")
    assert (before, asked()) == (1, 2)
    subprocess.run(["git", "credential-cache", "exit"], env=environment, check=True)


def expect(what, first, wanted):
    """How often the user is asked in the first command and two later ones, half a second after each other."""
    open("asked", "w").close()
    for run in (first, first, without_terminal):
        run(FETCH)
        # A process that has a signal to hear of has heard of it.
        time.sleep(0.5)
    seen = asked()
    print(f"{what}: asked {seen} times")
    subprocess.run(["git", "credential-cache", "exit"], env=environment, check=True)
    assert seen == wanted, f"expected {wanted}"


with open(".gitconfig", "w") as file:
    file.write("[credential]\n\thelper = cache --timeout=3600\n")
subprocess.run(["tmux", "-f", "/dev/null", "new-session", "-d", "sleep 1000"], env=environment, check=True)
try:
    expect("no terminal", without_terminal, 1)
    expect("typed into bash, in a window that is closed", shell, 1)
    expect("a terminal for each command", for_one_command, 3)
    expect("script -c for each command", script, 3)
    expect("a window of tmux for each command", window, 3)
    expect_closed_window()
    with open(".gitconfig", "a") as file:
        file.write("[credentialCache]\n\tignoreSIGHUP = true\n")
    expect("a terminal for each command, with ignoreSIGHUP", for_one_command, 1)
finally:
    subprocess.run(["tmux", "kill-server"], env=environment, check=True)
PYTHON
python3 finding.py
echo "as seen on 2026-11-29"
