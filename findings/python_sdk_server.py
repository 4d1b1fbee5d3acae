"""The authorization server that comes with the MCP SDK for Python, with tokens in memory and a user who agrees at once."""

import json
import socket
import threading
import urllib.error
import urllib.request
from urllib.parse import urlencode

import uvicorn
from mcp.server.auth.provider import AccessToken, RefreshToken
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from pydantic import AnyHttpUrl
from starlette.applications import Starlette


class Provider:
    """What the SDK asks of a program. `tokens` are the live refresh tokens."""

    def __init__(self):
        self.clients, self.tokens = {}, {}

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client):
        self.clients[client.client_id] = client

    async def authorize(self, client, params):
        return f"{params.redirect_uri}?code=a-code&state={params.state}"

    async def load_access_token(self, token) -> AccessToken | None:
        return None

    async def load_refresh_token(self, client, token):
        return self.tokens.get(token)

    async def revoke_token(self, token):
        del self.tokens[token.token]

    def issue(self, client_id):
        token = f"refresh-{len(self.tokens)}-of-{client_id}"
        self.tokens[token] = RefreshToken(token=token, client_id=client_id, scopes=[])
        return token


class Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Unfollowed)
provider = Provider()
listener = socket.create_server(("127.0.0.1", 0))
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
routes = create_auth_routes(
    provider,
    AnyHttpUrl(base),
    client_registration_options=ClientRegistrationOptions(enabled=True),
    revocation_options=RevocationOptions(enabled=True),
)
server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="critical"))
threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()


def ask(path, body=None, headers=None):
    """Sends a request: a form if the body is a dict, else what it is. Returns status, headers and body."""
    body = urlencode(body).encode() if isinstance(body, dict) else body
    request = urllib.request.Request(base + path, body, headers or {})
    try:
        answer = opener.open(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers, answer.read().decode()


def register(redirect_uri, method):
    """Registers a client with this authentication method (RFC 7591)."""
    body = {"client_name": "a program", "redirect_uris": [redirect_uri], "token_endpoint_auth_method": method}
    status, _, answer = ask("/register", json.dumps(body).encode(), {"Content-Type": "application/json"})
    assert status == 201, answer
    return json.loads(answer)


def expect(what, seen, wanted):
    """Prints what was found, and ends the run if it is not what was seen before."""
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"
