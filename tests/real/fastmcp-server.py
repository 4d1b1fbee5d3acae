"""FastMCP with its in-memory OAuth provider on a free port of 127.0.0.1: MCP server and authorization server in one.

Its authorization endpoint approves at once, so following redirects is all a browser must do. Prints
`ready <URL of the MCP server>` when it listens; ends when its stdin closes.
"""

import os
import socket
import sys
import threading

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions, RevocationOptions
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider


def die_with_parent() -> None:
    """Ends this process when its stdin closes: the test that holds the other end is gone."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    """Serves until the parent is gone, or ten minutes."""
    threading.Thread(target=die_with_parent, daemon=True).start()
    threading.Timer(600, os._exit, [1]).start()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    auth = InMemoryOAuthProvider(
        base_url=base,
        required_scopes=["mcp:read"],
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=["mcp:read", "mcp:write"], default_scopes=["mcp:read"]
        ),
        revocation_options=RevocationOptions(enabled=True),
    )
    server = FastMCP("in memory", auth=auth)

    @server.tool
    def greet(name: str) -> str:
        """Says hello."""
        return f"hello {name}"

    config = uvicorn.Config(server.http_app(), log_level="info", access_log=True)
    print(f"ready {base}/mcp", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
