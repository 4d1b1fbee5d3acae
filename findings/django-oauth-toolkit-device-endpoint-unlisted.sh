#!/usr/bin/env bash
# django-oauth-toolkit==3.4.1 (Django 5.2.19, oauthlib 3.3.1), as it comes, with one public client for device codes.
#
# One would guess: a server whose RFC 8414 metadata lists the grant type of device codes lists its device authorization
# endpoint as well, as RFC 8628 section 4 says; and a device code that it does not know is `invalid_grant` with status 400, as
# any other grant.
#
# Seen on 2026-11-28, Python 3.11:
# - the metadata lists `urn:ietf:params:oauth:grant-type:device_code`, and no `device_authorization_endpoint`;
# - the endpoint is there all the same, at /o/device-authorization/, and its codes are polled at the token endpoint;
# - a device code that is not known is answered with status 404 and the error `device_not_found`.
# So a client that goes by the metadata cannot log in with a device code, and one that does not has to take an error code of
# no standard for "start again".
#
# Needs Python 3.11 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/django-oauth-toolkit-3.4.1.txt"

DATABASE=$temp/db.sqlite3 PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore - <<'PYTHON'
import os
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import requests
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def application(environment, start):
    return served(environment, start)


server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
origin = f"http://127.0.0.1:{server.server_port}"
settings.configure(
    SECRET_KEY="for this run alone, on loopback", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    OAUTH2_PROVIDER={"OAUTH_DEVICE_VERIFICATION_URI": f"{origin}/o/device/", "SCOPES": {"read": "reading"}},
)
django.setup()
call_command("migrate", verbosity=0)
urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]

from django.core.wsgi import get_wsgi_application
from oauth2_provider.models import get_application_model

served = get_wsgi_application()
Client = get_application_model()
Client.objects.create(client_id="tool", client_type="public", authorization_grant_type=Client.GRANT_DEVICE_CODE, name="tool")
threading.Thread(target=server.serve_forever, daemon=True).start()

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def expect(what, found, wanted):
    print(f"{what}: {found}")
    if found != wanted:
        sys.exit(f"this has changed: expected {wanted}")


def poll(device_code):
    form = {"grant_type": GRANT, "device_code": device_code, "client_id": "tool"}
    response = requests.post(f"{origin}/o/token/", data=form, timeout=10)
    return response.status_code, response.json().get("error")


metadata = requests.get(f"{origin}/o/.well-known/oauth-authorization-server", timeout=10).json()
expect("the metadata lists the grant type", GRANT in metadata["grant_types_supported"], True)
expect("device_authorization_endpoint in the metadata", metadata.get("device_authorization_endpoint"), None)
asked = requests.post(f"{origin}/o/device-authorization/", data={"client_id": "tool", "scope": "read"}, timeout=10)
expect("status of the device authorization endpoint", asked.status_code, 200)
expect("a poll", poll(asked.json()["device_code"]), (400, "authorization_pending"))
expect("a poll with a code that is not known", poll("not-a-code"), (404, "device_not_found"))
PYTHON
