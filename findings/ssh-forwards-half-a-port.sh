#!/usr/bin/env bash
# The ssh of OpenSSH 9.2p1 (Debian 12), on the user's own computer, where another program has the port of the tunnel on
# 127.0.0.1: `ssh -o ExitOnForwardFailure=yes -N -L PORT:127.0.0.1:PORT HOST`.
#
# One would guess: the port is taken, so ssh ends, as the option asks.
#
# Seen on 2026-11-28: it prints `Address already in use`, and runs. Without an address `-L` means both loopback addresses,
# and one of them is enough: ssh listens on ::1 alone, and a browser that is sent to http://127.0.0.1:PORT/callback reaches
# the other program, with the code. `-L localhost:PORT:…` is the same. Only `-L 127.0.0.1:PORT:…` ends with status 255.
#
# Needs Debian 12 on x86-64 with apt-get and IPv6 on loopback, Python 3.10 or newer with venv, and PyPI. Fails if any of
# this has changed.
# Pinned in ssh_and_a_server.bash: openssh-client=1:9.2p1-2+deb12u10 of Debian, and asyncssh==2.24.1 as the far end.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
. "$(dirname "${BASH_SOURCE[0]}")/ssh_and_a_server.bash"

cat >"$temp/finding.py" <<'PYTHON'
import asyncio

from ssh_server import reached, run, serve, ssh


async def main():
    async with serve() as server:
        login = await server.login("awaited")
        # Another program of the user's computer.
        port = await server.login("other")
        strict = ["-o", "ExitOnForwardFailure=yes", "-N"]
        for address in ("", "localhost:"):
            tunnel = await run(ssh(server, *strict, "-L", f"{address}{port}:127.0.0.1:{login}", "127.0.0.1"), keep=True)
            v4, v6 = await reached(port), await reached(port, "::1")
            print(f"-L {address}PORT: status {tunnel.status}, says {tunnel.said!r}; 127.0.0.1 is {v4}, ::1 is {v6}")
            assert tunnel.status is None and "Address already in use" in tunnel.said
            assert (v4, v6) == ("the other login", "the awaited login")
            await tunnel.end()
        refused = await run(ssh(server, *strict, "-L", f"127.0.0.1:{port}:127.0.0.1:{login}", "127.0.0.1"))
        print(f"-L 127.0.0.1:PORT: status {refused.status}, says {refused.said!r}")
        assert refused.status == 255 and "Address already in use" in refused.said


asyncio.run(main())
PYTHON
"$temp/venv/bin/python" "$temp/finding.py"
echo "as seen on 2026-11-28"
