"""A protected MCP server and its authorization server in one, on raw sockets.

By itself it behaves well and checks what a real one would: PKCE, redirect URI, resource, codes that are used once,
refresh tokens that are spent once. A run gives it only its deviation: a function that may answer a request in another
way.
"""

import base64
import hashlib
import json
import socket
import threading
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

RESOURCE_METADATA = "/.well-known/oauth-protected-resource/mcp"
SERVER_METADATA = "/.well-known/oauth-authorization-server"

# Bytes of a request that are read at most; nothing that the program sends comes near it.
MAX_REQUEST = 1 << 20


class Request:
    """A request as it was seen."""
    def __init__(self, method, target, headers, body):
        self.method, self.headers, self.body = method, headers, body
        self.path, _, self.query = target.partition("?")

    def parameters(self):
        """The parameters of the query or of a form."""
        return dict(parse_qsl(self.query) + parse_qsl(self.body.decode("latin-1")))


class Raw:
    """An answer of these bytes and nothing else; with a pause between the pieces, if there are several."""
    def __init__(self, *pieces, pause=0.0, hold=0.0):
        self.pieces, self.pause, self.hold = pieces, pause, hold


def answer(status, body=b"", kind="application/json", headers=()):
    """A whole response; a body that is not bytes is written as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}", f"Content-Type: {kind}"]
    head += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + body


class Server:
    """The two servers. `deviate(request, server)` returns bytes, a `Raw`, or None for the good answer."""
    def __init__(self, deviate=None, tls=None, address=("127.0.0.1", 0), name=None):
        self.deviate, self.tls, self.lock = deviate, tls, threading.Lock()
        self.seen, self.clients, self.codes, self.challenges = [], {}, {}, []
        # Refresh tokens: the family, and whether the token was spent. Access tokens: the family.
        self.refresh_tokens, self.access_tokens = {}, {}
        self.revoked, self.revocations, self.reused, self.refreshes, self.count = set(), 0, 0, 0, 0
        self.lifetime, self.slow = 3600, 0.0
        self.accepted, self.done = 0, 0
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        self.listener.listen(512)
        port = self.listener.getsockname()[1]
        host = name or (f"[{address[0]}]" if family == socket.AF_INET6 else address[0])
        self.origin = f"https://{host}" + ("" if port == 443 else f":{port}") if tls else f"http://{host}:{port}"
        self.mcp = f"{self.origin}/mcp"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        """Takes no more connections. Whoever sleeps in `accept` is woken by the shutdown."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # What a run asks of it.

    def good(self, refresh_token):
        """Tells whether a refresh token can still be spent."""
        with self.lock:
            family, spent = self.refresh_tokens.get(refresh_token, (None, True))
            return not spent and family not in self.revoked

    def live(self, access_token):
        """Tells whether the server issued this access token and has not revoked it."""
        with self.lock:
            family = self.access_tokens.get(access_token)
            return family is not None and family not in self.revoked

    def settle(self, limit=10.0):
        """Waits until every connection so far is done: who made it may be dead, and its request still on the way."""
        deadline = time.monotonic() + limit
        with self.lock:
            before = self.accepted
        # Connections are accepted in their order, so all before this one have been.
        socket.create_connection(self.listener.getsockname()[:2], limit).close()
        while time.monotonic() < deadline:
            with self.lock:
                if self.accepted > before and self.accepted == self.done:
                    return
            time.sleep(0.001)

    def family(self):
        """Begins a family of tokens without a login, and returns its first answer."""
        with self.lock:
            self.count += 1
            return self._issue(self.count)

    def asked(self, path):
        """The requests so far to a path."""
        return [request for request in list(self.seen) if request.path == path]

    def authorize(self, url, **changes):
        """Agrees on the authorization page; returns where the browser is sent. None if the page is not ours."""
        asked = urlsplit(url)
        query = dict(parse_qsl(asked.query))
        needed = {"state", "redirect_uri", "code_challenge", "client_id"}
        if not url.startswith(f"{self.origin}/authorize") or not needed <= query.keys():
            return None
        if query.get("code_challenge_method") != "S256" or query.get("response_type") != "code":
            return None
        with self.lock:
            self.count += 1
            code = f"CODE-{self.count}-secret"
            self.codes[code] = query
        given = {"code": code, "state": query["state"], **changes}
        return query["redirect_uri"] + "?" + urlencode({
            name: value
            for name, value in given.items() if value is not None
        })

    # The good answers.

    def server_metadata(self):
        here = self.origin
        return {
            "issuer": here, "authorization_endpoint": f"{here}/authorize", "token_endpoint": f"{here}/token",
            "registration_endpoint": f"{here}/register", "revocation_endpoint": f"{here}/revoke",
            "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        }

    def resource_metadata(self):
        return {"resource": self.mcp, "authorization_servers": [self.origin], "scopes_supported": ["read", "write"]}

    def challenge(self):
        return f'Bearer resource_metadata="{self.origin}{RESOURCE_METADATA}", scope="read"'

    def behave(self, request):
        """Answers as a good server does."""
        place = (request.method, request.path)
        if place == ("POST", "/mcp"):
            return self._mcp(request)
        if place == ("GET", RESOURCE_METADATA):
            return answer(200, self.resource_metadata())
        if place == ("GET", SERVER_METADATA):
            return answer(200, self.server_metadata())
        if place == ("POST", "/register"):
            return self._register(request)
        if place == ("POST", "/token"):
            return self._token(request.parameters())
        if place == ("POST", "/revoke"):
            return self._revoke(request.parameters())
        return answer(404, b"")

    def _mcp(self, request):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.live(token):
            tools = [{"name": "echo", "inputSchema": {"type": "object"}}]
            return answer(200, {"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}})
        return answer(401, {"error": "invalid_token"}, headers=[("WWW-Authenticate", self.challenge())])

    def _register(self, request):
        try:
            asked = json.loads(request.body)
        except ValueError:
            return answer(400, b"")
        with self.lock:
            client = f"client-{len(self.clients) + 1}"
            self.clients[client] = asked.get("redirect_uris")
        return answer(201, {**asked, "client_id": client})

    def _token(self, asked):
        if asked.get("grant_type") == "refresh_token":
            time.sleep(self.slow)
            with self.lock:
                return self._refresh(asked.get("refresh_token"))
        with self.lock:
            first = self.codes.pop(asked.get("code"), None)
            if first is None:
                return answer(400, {"error": "invalid_grant", "error_description": "no such code"})
            for name in ("redirect_uri", "resource", "client_id"):
                if asked.get(name) != first.get(name):
                    return answer(400, {"error": "invalid_grant", "error_description": f"another {name}"})
            digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).decode().rstrip("=") != first["code_challenge"]:
                return answer(400, {"error": "invalid_grant", "error_description": "another verifier"})
            self.count += 1
            return answer(200, self._issue(self.count))

    def _refresh(self, token):
        self.refreshes += 1
        family, spent = self.refresh_tokens.get(token, (None, None))
        if spent:
            self.reused += 1
            self.revoked.add(family)
        if family is None or family in self.revoked:
            return answer(400, {"error": "invalid_grant"})
        self.refresh_tokens[token] = (family, True)
        return answer(200, self._issue(family))

    def _issue(self, family):
        self.count += 1
        number = self.count
        access, refresh = f"ACCESS-{number}-secret", f"REFRESH-{number}-secret"
        self.refresh_tokens[refresh], self.access_tokens[access] = (family, False), family
        return {
            "access_token": access, "token_type": "Bearer", "expires_in": self.lifetime, "refresh_token": refresh,
            "scope": "read"
        }

    def _revoke(self, asked):
        with self.lock:
            token = asked.get("token")
            family = self.refresh_tokens.get(token, (self.access_tokens.get(token), None))[0]
            self.revocations += 1
            self.revoked.add(family)
        return answer(200, b"")

    # The connections.

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        stream = None
        try:
            connection.settimeout(60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rb")
            while (request := read_request(stream)) is not None:
                self.seen.append(request)
                reply = self.deviate(request, self) if self.deviate else None
                if reply is None:
                    reply = self.behave(request)
                if isinstance(reply, Raw):
                    for piece in reply.pieces:
                        connection.sendall(piece)
                        time.sleep(reply.pause)
                    time.sleep(reply.hold)
                    return
                connection.sendall(reply)
                if request.headers.get("connection") == "close":
                    return
        except (OSError, ValueError):
            pass
        finally:
            if stream:
                stream.close()
            connection.close()
            with self.lock:
                self.done += 1


def read_request(stream):
    """Reads one request; None at the end of the connection."""
    words = stream.readline(MAX_REQUEST).decode("latin-1").split()
    if len(words) < 2:
        return None
    headers = {}
    while line := stream.readline(MAX_REQUEST).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(min(int(headers.get("content-length", 0)), MAX_REQUEST))
    return Request(words[0], words[1], headers, body)
