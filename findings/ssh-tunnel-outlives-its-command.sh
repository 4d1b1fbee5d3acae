#!/usr/bin/env bash
# The ssh of OpenSSH 9.2p1 (Debian 12), with a shared connection in the user's configuration (`ControlMaster auto`,
# `ControlPersist`), and the tunnel of a login from afar: `ssh -N -L PORT:127.0.0.1:PORT HOST`.
#
# One would guess: the command runs until it is ended, and the tunnel with it.
#
# Seen on 2026-11-28: it ends at once with status 0, as if it had done nothing, and the tunnel is there, for as long as the
# shared connection is. A second command for another port at the far end prints that forwarding failed and then runs, as a
# tunnel does: what connects reaches the first login's port. `-o ControlPath=none -o ExitOnForwardFailure=yes` ends with
# status 255 there.
#
# Needs Debian 12 on x86-64 with apt-get, Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
# Pinned in ssh_and_a_server.bash: openssh-client=1:9.2p1-2+deb12u10 of Debian, and asyncssh==2.24.1 as the far end.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
. "$(dirname "${BASH_SOURCE[0]}")/ssh_and_a_server.bash"

cat >"$temp/finding.py" <<'PYTHON'
import asyncio

from ssh_server import free_port, reached, run, serve, ssh


async def main():
    async with serve() as server:
        first, second = await server.login("first"), await server.login("second")
        port = free_port()
        shared = ["-o", "ControlMaster=auto", "-o", f"ControlPath={server.directory}/%C", "-o", "ControlPersist=60"]
        assert (await run(ssh(server, *shared, "127.0.0.1", "true"))).status == 0

        tunnel = await run(ssh(server, *shared, "-N", "-L", f"127.0.0.1:{port}:127.0.0.1:{first}", "127.0.0.1"))
        print(f"tunnel: status {tunnel.status}, and the port leads to {await reached(port)}")
        assert tunnel.status == 0 and await reached(port) == "the first login"

        other = await run(ssh(server, *shared, "-N", "-L", f"127.0.0.1:{port}:127.0.0.1:{second}", "127.0.0.1"))
        print(f"another one: status {other.status}, it says {other.said!r}, and the port leads to {await reached(port)}")
        assert other.status is None and "forwarding request failed" in other.said and await reached(port) == "the first login"

        alone = ["-o", "ControlPath=none", "-o", "ExitOnForwardFailure=yes"]
        refused = await run(ssh(server, *alone, "-N", "-L", f"127.0.0.1:{port}:127.0.0.1:{second}", "127.0.0.1"))
        print(f"without sharing: status {refused.status}, it says {refused.said!r}")
        assert refused.status == 255 and "Address already in use" in refused.said
        await run(ssh(server, *shared, "-O", "exit", "127.0.0.1"))


asyncio.run(main())
PYTHON
"$temp/venv/bin/python" "$temp/finding.py"
echo "as seen on 2026-11-28"
