#!/usr/bin/env bash
# django-oauth-toolkit==3.4.1 (Django 5.2.19, oauthlib 3.3.1) as an authorization server with open registration (RFC 7591).
#
# One would guess: a client that registers for grant types from the server's own metadata is registered, for fewer of them if the
# server chooses so (RFC 7591, section 3.2.1), and what the metadata list as the methods of authentication are all that there are.
#
# Seen on 2026-11-29, Python 3.11: the metadata list six grant types, and a registration for more than one of them besides
# `refresh_token` is 400 `invalid_client_metadata`: one for the browser and device codes as well as one for all six. So a program that
# registers once, for a login at a desktop and one over SSH, is not registered at all; it has to try again with less, and to be two
# clients. `none` is not in the list of methods, and a public client is registered and logs in with it all the same: who goes by the
# list gets a secret to keep. Who asks for `client_secret_post`, which is in the list, is told `client_secret_basic`; and a secret comes
# without `client_secret_expires_at`, which is required beside it.
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
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    OAUTH2_PROVIDER={
        "SCOPES": {"read": "reading"}, "DCR_ENABLED": True, "REQUEST_APPROVAL_PROMPT": "auto_always",
        "DCR_REGISTRATION_PERMISSION_CLASSES": ["oauth2_provider.dcr.AllowAllDCRPermission"],
    },
)
django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse

ann = User.objects.create_user("ann")


def log_in(request):
    login(request, ann)
    return HttpResponse()


urlpatterns = [path("log-in", log_in), path("", include("oauth2_provider.urls", namespace="oauth2_provider"))]
server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
origin = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
browser = requests.Session()
browser.trust_env = False
browser.get(f"{origin}/log-in", timeout=10)
metadata = browser.get(f"{origin}/.well-known/oauth-authorization-server", timeout=10).json()
REDIRECT = "http://127.0.0.1:7777/callback"
BROWSER, REFRESH, DEVICE = "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"


def register(**fields):
    """Returns the status and the body."""
    fields = {"client_name": "a tool", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"} | fields
    answer = requests.post(metadata["registration_endpoint"], json=fields, timeout=10)
    return answer.status_code, answer.json()


def log_in_with(client):
    """Logs in as a public client, with a user who agrees. Returns the members of the token answer."""
    verifier = "v" * 43
    query = {
        "response_type": "code", "client_id": client, "redirect_uri": REDIRECT, "scope": "read", "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("="),
    }
    page = browser.get(metadata["authorization_endpoint"], params=query, timeout=10)
    agreed = query | {"allow": "Authorize", "csrfmiddlewaretoken": browser.cookies.get("csrftoken", "")}
    answer = browser.post(page.url, data=agreed, allow_redirects=False, timeout=10)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    form = {"grant_type": BROWSER, "code": code, "redirect_uri": REDIRECT, "code_verifier": verifier, "client_id": client}
    return sorted(requests.post(metadata["token_endpoint"], data=form, timeout=10).json())


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


listed = metadata["grant_types_supported"]
expect("grant types in the metadata", {BROWSER, REFRESH, DEVICE} <= set(listed) and len(listed), 6)
expect("methods in the metadata", metadata["token_endpoint_auth_methods_supported"], ["client_secret_post", "client_secret_basic"])
for grants in ([BROWSER, REFRESH, DEVICE], listed):
    status, body = register(grant_types=grants)
    expect(f"registration for {grants}", (status, body["error"]), (400, "invalid_client_metadata"))
    print(f"  {body['error_description']}")
expect("registration for device codes alone", register(grant_types=[DEVICE, REFRESH])[0], 201)
status, public = register(grant_types=[BROWSER, REFRESH])
expect("registration for the browser alone, with none", (status, public["token_endpoint_auth_method"]), (201, "none"))
wanted = ["access_token", "expires_in", "refresh_token", "scope", "token_type"]
expect("a login with that has", log_in_with(public["client_id"]), wanted)
status, body = register(grant_types=[BROWSER, REFRESH], token_endpoint_auth_method="client_secret_post")
expect("with client_secret_post", (status, body["token_endpoint_auth_method"]), (201, "client_secret_basic"))
expect("there is a secret", "client_secret" in body, True)
expect("with a moment of its end", "client_secret_expires_at" in body, False)
PYTHON
echo "as seen on 2026-11-29"
