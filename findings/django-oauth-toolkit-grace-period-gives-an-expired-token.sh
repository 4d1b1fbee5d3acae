#!/usr/bin/env bash
# django-oauth-toolkit==3.4.1 (Django 5.2.19, oauthlib 3.3.1) as an authorization server with `REFRESH_TOKEN_GRACE_PERIOD_SECONDS`, for
# which a refresh token is answered again after its first use, as for a lost answer or two processes; with access tokens of six seconds
# and a grace period of twelve, in place of minutes.
#
# One would guess: a refresh that is answered brings an access token that lives as long as `expires_in` says.
#
# Seen on 2026-11-29, Python 3.11: within the grace period the second refresh brings the very tokens of the first one, and an `expires_in` that
# counts from now. So each process takes the access token to live on for up to the grace period after its end, and where that is the
# longer of the two a refresh brings a token that has expired before it arrives, with success and a full `expires_in`: the API refuses it with
# 403 and no challenge, and a refresh with the same refresh token brings it once more. The refresh token beside it is good. As soon as one
# process has used that, the older one is `invalid_grant` at once, in the middle of the grace period; the login goes on.
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
import threading
import time
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import requests
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path

LIFETIME, GRACE = 6, 12


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
    OAUTH2_PROVIDER={
        "SCOPES": {"read": "reading"}, "ACCESS_TOKEN_EXPIRE_SECONDS": LIFETIME, "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": GRACE,
    },
)
django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from oauth2_provider.decorators import protected_resource
from oauth2_provider.models import get_application_model

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
def api(request):
    return HttpResponse("fine")


urlpatterns = [path("log-in", log_in), path("api", api), path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
origin = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
browser = requests.Session()
browser.trust_env = False
browser.get(f"{origin}/log-in", timeout=10)


def token(**form):
    return browser.post(f"{origin}/o/token/", data=form | {"client_id": "tool"}, timeout=10).json()


def authorize():
    verifier = "v" * 43
    query = {
        "response_type": "code", "client_id": "tool", "redirect_uri": REDIRECT, "scope": "read", "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("="),
    }
    page = browser.get(f"{origin}/o/authorize/", params=query, allow_redirects=False, timeout=10)
    code = parse_qs(urlsplit(page.headers["Location"]).query)["code"][0]
    return token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=verifier)


def refresh(tokens):
    return token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])


def status(tokens):
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return browser.get(f"{origin}/api", headers=headers, timeout=10).status_code


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


old = authorize()
one = refresh(old)
expect("the API with the token of the first process", status(one), 200)
time.sleep(LIFETIME - 2)
two = refresh(old)
for what in ("access_token", "refresh_token"):
    expect(f"the second process gets the {what} of the first", two[what] == one[what], True)
expect(f"{LIFETIME - 2} seconds later, with expires_in", two["expires_in"], LIFETIME)
expect("the API with it", status(two), 200)
time.sleep(3)
expect("the API with it 3 seconds later", status(two), 403)
three = refresh(old)
expect("a refresh with the old token gets that access token again", three["access_token"] == one["access_token"], True)
expect("with expires_in", three["expires_in"], LIFETIME)
expect("the API with it", status(three), 403)
four = refresh(one)
expect("the API after a refresh with the new refresh token", status(four), 200)
expect("a refresh with the old one after that", refresh(old).get("error"), "invalid_grant")
expect("the API with the newest token after that", status(four), 200)
expect("the API after a refresh with the newest one", status(refresh(four)), 200)
PYTHON
echo "as seen on 2026-11-29"
