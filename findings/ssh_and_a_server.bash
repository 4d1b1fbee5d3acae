# Sourced by findings about ssh, with `temp` set: the ssh of Debian 12 in $temp/root, asyncssh 2.24.1 in $temp/venv, and a module
# `ssh_server` beside the finding, whose server takes everybody on 127.0.0.1 and forwards whatever is asked.
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" openssh-client=1:9.2p1-2+deb12u10 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done
export LD_LIBRARY_PATH="$temp/root/usr/lib/x86_64-linux-gnu"
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps asyncssh==2.24.1 cryptography==50.0.2 cffi==2.1.1 \
    pycparser==3.12 typing_extensions==4.16.0

cat >"$temp/ssh_server.py" <<'PYTHON'
import asyncio
import contextlib
import os
import socket
import subprocess
import sys

import asyncssh

DIRECTORY = os.path.dirname(os.path.abspath(__file__))


class Everybody(asyncssh.SSHServer):
    def begin_auth(self, username):
        return False

    def connection_requested(self, *_):
        return True


class Server:
    """The far end, and what listens there."""

    def __init__(self, port):
        self.port, self.directory, self.listeners = port, DIRECTORY, []

    async def login(self, name):
        """Listens on 127.0.0.1, and returns the port."""
        async def answer(_, writer):
            writer.write(f"the {name} login".encode())
            writer.close()
        listener = await asyncio.start_server(answer, "127.0.0.1", 0)
        self.listeners.append(listener)
        return listener.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def serve():
    key = asyncssh.generate_private_key("ssh-ed25519")
    listener = await asyncssh.listen("127.0.0.1", 0, server_host_keys=[key], server_factory=Everybody,
                                     process_factory=lambda process: process.exit(0))
    yield Server(listener.get_port())


def ssh(server, *words):
    """Returns the command line of an ssh that reads no configuration and no key of this computer."""
    settings = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "LogLevel=ERROR")
    options = [word for setting in settings for word in ("-o", setting)]
    return [f"{DIRECTORY}/root/usr/bin/ssh", "-F", "/dev/null", "-p", str(server.port), *options, *words]


class Ended:
    def __init__(self, process, status, said):
        self.process, self.status, self.said = process, status, said

    async def end(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def run(command, keep=False):
    """Runs a command; its status is None if it still runs after three seconds, and it is ended then unless it is kept."""
    said = os.path.join(DIRECTORY, "said")
    with open(said, "wb") as file:
        process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(process.wait(), 3)
    ended = Ended(process, process.returncode, open(said).read())
    if not keep:
        await ended.end()
    return ended


async def reached(port, address="127.0.0.1"):
    """Returns what answers there."""
    reader, writer = await asyncio.open_connection(address, port)
    text = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return text.decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
PYTHON
