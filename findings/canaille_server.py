"""canaille as it comes, but with open registration and one user, on a free port of 127.0.0.1; and that user with a browser."""

import base64
import hashlib
import html
import logging
import re
import secrets
import socket
import tempfile
import threading
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.backends.sql.backend import Base, SQLBackend
from werkzeug.serving import make_server

REDIRECT_URI = "http://127.0.0.1:53682/callback"


def start() -> str:
    """Starts canaille in a thread and returns its issuer."""
    logging.disable(logging.CRITICAL)
    listener = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    app = create_app({
        "SECRET_KEY": "for this run only",
        "SERVER_NAME": host,
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "sql"},
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{tempfile.mkdtemp()}/canaille.sqlite", "AUTO_MIGRATE": False},
        "CANAILLE_OIDC": {"DYNAMIC_CLIENT_REGISTRATION_OPEN": True},
    })
    with app.app_context():
        Base.metadata.create_all(SQLBackend.engine)
        Backend.instance.save(models.User(user_name="ann", formatted_name="Ann", family_name="Ann", password="a long password"))
    server = make_server("127.0.0.1", 0, app, threaded=True, fd=listener.detach())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://{host}"


def browser() -> httpx.Client:
    """Returns an HTTP client with cookies, which follows no redirects and uses no proxy."""
    return httpx.Client(trust_env=False, timeout=20)


def metadata(issuer: str) -> dict:
    """Returns the metadata of the authorization server (RFC 8414)."""
    return browser().get(f"{issuer}/.well-known/oauth-authorization-server").json()


def register(issuer: str) -> dict:
    """Registers a public client (RFC 7591) and returns the answer."""
    wanted = {
        "client_name": "an application",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }
    return browser().post(f"{issuer}/oauth/register", json=wanted).raise_for_status().json()


def authorize(issuer: str, client_id: str, click: str, **more: str) -> tuple[dict, str]:
    """Signs in, clicks `accept` or `deny` if asked, and returns what the client is sent back with, and its code verifier."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": client_id, "redirect_uri": REDIRECT_URI, "state": "a-state",
        "code_challenge": challenge, "code_challenge_method": "S256", **more,
    }
    user, at = browser(), f"{issuer}/oauth/authorize?{urlencode(query)}"
    page = user.get(at)
    for _ in range(12):
        if page.is_redirect:
            at = urljoin(at, page.headers["location"])
            if at.startswith(REDIRECT_URI):
                return dict(parse_qsl(urlsplit(at).query)), verifier
            page = user.get(at)
            continue
        form = re.search(r"<form.*?</form>", page.text, re.DOTALL).group()
        hidden = re.search(r'name="csrf_token" value="([^"]*)"', form).group(1)
        action = re.search(r'action="([^"]*)"', form).group(1)
        at = urljoin(at, html.unescape(action))
        page = user.post(at, data={"csrf_token": hidden, "login": "ann", "password": "a long password", "answer": click})
    raise SystemExit("the pages do not end")


def exchange(issuer: str, client_id: str, code: str, verifier: str) -> dict:
    """Exchanges a code for tokens as a public client."""
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "client_id": client_id,
        "code_verifier": verifier,
    }
    return browser().post(f"{issuer}/oauth/token", data=form).raise_for_status().json()


def expect(what: str, found: object, wanted: object) -> None:
    """Prints what was found, and ends the run if it is not what was seen before."""
    print(f"{what}: {found}")
    if found != wanted:
        raise SystemExit(f"this has changed: {what} was {wanted}")
