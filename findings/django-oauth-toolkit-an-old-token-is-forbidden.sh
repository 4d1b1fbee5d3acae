#!/usr/bin/env bash
# django-oauth-toolkit==3.4.1 (Django 5.2.19, oauthlib 3.3.1), with tokens of six seconds, as the guard of an API:
# `@protected_resource` and `ProtectedResourceView`, with which its documentation protects a view; and its own authorization
# server.
#
# One would guess: a token that has expired is answered with 401 and a challenge with `invalid_token`, and one without the scope
# with 403 (RFC 6750, section 3.1); and after a refresh the access token before it is good until it expires.
#
# Seen on 2026-11-29, Python 3.11: each is 403 without a challenge and without a body: no token, an expired one, and one that
# lacks the scope. So a client that refreshes at 401 never does, and takes it that a permission is missing; and one that looks for
# a challenge finds no authorization server. A refresh ends the access token before it at once, so that a second process with the
# same login is forbidden in the middle of its work, up to ten hours before the expiry that it was told.
#
# Needs Python 3.11 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/django-oauth-toolkit-3.4.1.txt"

DATABASE=$temp/db.sqlite3 PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore - <<'PYTHON'
import base64
import hashlib
import logging
import os
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import requests
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


logging.disable(logging.CRITICAL)
contrib = "django.contrib"
settings.configure(
    SECRET_KEY="for this run alone, on loopback", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    INSTALLED_APPS=[f"{contrib}.auth", f"{contrib}.contenttypes", f"{contrib}.sessions", "oauth2_provider"],
    MIDDLEWARE=[f"{contrib}.sessions.middleware.SessionMiddleware", f"{contrib}.auth.middleware.AuthenticationMiddleware"],
    OAUTH2_PROVIDER={"SCOPES": {"read": "reading", "write": "writing"}, "ACCESS_TOKEN_EXPIRE_SECONDS": 6},
)
django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from oauth2_provider.decorators import protected_resource
from oauth2_provider.models import get_application_model
from oauth2_provider.views.generic import ProtectedResourceView

REDIRECT = "http://127.0.0.1:7777/callback"
ann = User.objects.create_user("ann")
Client = get_application_model()
Client.objects.create(
    client_id="tool", client_type="public", authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE, name="tool",
    redirect_uris=REDIRECT, skip_authorization=True,
)


def log_in(request):
    login(request, ann)
    return HttpResponse()


@protected_resource(scopes=["read"])
def decorated(request):
    return HttpResponse("fine")


@protected_resource(scopes=["write"])
def writes(request):
    return HttpResponse("fine")


class View(ProtectedResourceView):
    def get(self, request):
        return HttpResponse("fine")


urlpatterns = [
    path("log-in", log_in), path("decorated", decorated), path("writes", writes), path("view", View.as_view()),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
origin = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
browser = requests.Session()
browser.trust_env = False
browser.get(f"{origin}/log-in", timeout=10)


def token(**form):
    answer = browser.post(f"{origin}/o/token/", data=form | {"client_id": "tool"}, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def authorize():
    """Logs in with the scope `read`."""
    verifier = "v" * 43
    query = {
        "response_type": "code", "client_id": "tool", "redirect_uri": REDIRECT, "scope": "read", "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("="),
    }
    page = browser.get(f"{origin}/o/authorize/", params=query, allow_redirects=False, timeout=10)
    code = parse_qs(urlsplit(page.headers["Location"]).query)["code"][0]
    return token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=verifier)


def expect(what, where, tokens, wanted):
    """The status, the challenge and the body of a request with this token."""
    headers = {"Authorization": f"Bearer {tokens['access_token']}"} if tokens else {}
    answer = requests.get(f"{origin}/{where}", headers=headers, timeout=10)
    seen = answer.status_code, answer.headers.get("WWW-Authenticate"), answer.text
    print(f"{what}, {where}: {seen}")
    if seen != wanted:
        sys.exit(f"this has changed: expected {wanted}")


FINE, FORBIDDEN = (200, None, "fine"), (403, None, "")
first = authorize()
for view in ("decorated", "view"):
    expect("a good token", view, first, FINE)
    expect("no token", view, None, FORBIDDEN)
expect("a token without the scope", "writes", first, FORBIDDEN)
second = token(grant_type="refresh_token", refresh_token=first["refresh_token"])
expect("after the refresh by one process, its token", "decorated", second, FINE)
expect("that of the other process", "decorated", first, FORBIDDEN)
time.sleep(7)
for view in ("decorated", "view"):
    expect("an expired token", view, second, FORBIDDEN)
third = token(grant_type="refresh_token", refresh_token=second["refresh_token"])
expect("after the refresh", "decorated", third, FINE)
PYTHON
echo "as seen on 2026-11-29"
