"""canaille, an authorization server of its own, and a small protected MCP server in front of it, on one port of 127.0.0.1.

Usage: python canaille-server.py DATABASE [PORT]     PORT 0, the default, is any free one; DATABASE: an SQLite file, made if
it is missing. Everybody may register a client; all else is as canaille comes. The user `somebody` has the password
`anything`. A GET of /forget-clients deletes every client, as an administrator would. Prints `ready <URL of the MCP server>`
when it listens, and a line per request and per event that canaille notes for the administrator; ends when its stdin closes.
"""

import json
import os
import socket
import sys
import threading

from canaille import create_app
from canaille.app import models
from canaille.app.flask import csrf
from canaille.backends import Backend
from canaille.backends.sql.backend import Base, SQLBackend
from flask import Response, request
from werkzeug.serving import make_server

METADATA = "/.well-known/oauth-protected-resource/mcp"
TOOLS = [{"name": "greet", "description": "Says hello", "inputSchema": {"type": "object"}}]


def die_with_parent() -> None:
    """Ends this process when its stdin closes: the test that holds the other end is gone."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def is_allowed() -> bool:
    """Returns whether the request carries an access token that canaille still takes."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = scheme.lower() == "bearer" and Backend.instance.get(models.Token, access_token=text)
    return bool(token) and not token.is_expired() and not token.is_revoked()


def answer(method: str, modern: bool) -> dict | None:
    """Returns the result of one MCP request: 2026-07-28 without a session, or 2025-11-25."""
    if method == "tools/list":
        return {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": TOOLS} if modern else {"tools": TOOLS}
    if method == "initialize" and not modern:
        info = {"name": "protected", "version": "1"}
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    return None


def serve_mcp() -> Response:
    """Answers one MCP request."""
    if not is_allowed():
        challenge = f'Bearer resource_metadata="{request.host_url.rstrip("/")}{METADATA}"'
        return Response(status=401, headers={"WWW-Authenticate": challenge})
    if request.method != "POST":
        return Response(status=405, headers={"Allow": "POST"})
    message = request.get_json()
    print(f"event mcp {message['method']}", flush=True)
    if "id" not in message:
        return Response(status=202)
    result = answer(message["method"], request.headers.get("MCP-Protocol-Version") == "2026-07-28")
    if result is None:
        error = {"code": -32601, "message": "method not found"}
        return Response(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}), 404, mimetype="application/json")
    return Response(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), mimetype="application/json")


def forget_clients() -> Response:
    """Deletes every client."""
    for client in Backend.instance.query(models.Client):
        Backend.instance.delete(client)
    return Response(status=204)


def add_user() -> None:
    """Makes the one user, if the database is new."""
    if not Backend.instance.query(models.User):
        user = models.User(
            user_name="somebody", formatted_name="Some Body", family_name="Body", emails=["somebody@example.com"], password="anything"
        )
        Backend.instance.save(user)


def main() -> None:
    """Serves until the parent is gone, or ten minutes."""
    threading.Thread(target=die_with_parent, daemon=True).start()
    threading.Timer(600, os._exit, [1]).start()
    database = sys.argv[1]
    listener = socket.socket()
    # A port of an earlier run is taken again at once.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0))
    listener.listen(64)
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    base = f"http://{host}"
    app = create_app({
        "SECRET_KEY": "for tests only",
        "SERVER_NAME": host,
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "sql"},
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{database}", "AUTO_MIGRATE": False},
        "CANAILLE_OIDC": {"DYNAMIC_CLIENT_REGISTRATION_OPEN": True},
    })
    with app.app_context():
        # The tables as they are in this version; canaille's own way, through all its migrations, takes seconds.
        Base.metadata.create_all(SQLBackend.engine)
        add_user()
    app.add_url_rule("/mcp", "mcp", csrf.exempt(serve_mcp), methods=["GET", "POST"])
    app.add_url_rule("/forget-clients", "forget_clients", forget_clients)
    metadata = {"resource": f"{base}/mcp", "authorization_servers": [base], "scopes_supported": ["openid", "profile"]}
    app.add_url_rule(METADATA, "metadata", lambda: metadata)
    print(f"ready {base}/mcp", flush=True)
    make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno()).serve_forever()


if __name__ == "__main__":
    sys.exit(main())
