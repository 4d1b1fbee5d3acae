"""Starts django-allauth as an authorization server in processes of its own, as a site with several workers does."""

import http.cookiejar
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def configure(directory, lifetime):
    """Configures Django; only what its and allauth's documentation demand, so that all else is as it comes."""
    import django
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from django.conf import settings

    if not os.path.exists(f"{directory}/key"):
        key = rsa.generate_private_key(65537, 2048)
        with open(f"{directory}/key", "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with open(f"{directory}/key") as file:
        pem = file.read()
    contrib = "django.contrib"
    context = ["django.template.context_processors.request", f"{contrib}.auth.context_processors.auth"]
    settings.configure(
        SECRET_KEY="a key for the sessions and signatures of this finding alone",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="django_allauth_server",
        INSTALLED_APPS=[
            *(f"{contrib}.{app}" for app in ("auth", "contenttypes", "sessions", "messages")),
            *("allauth", "allauth.account", "allauth.idp.oidc"),
        ],
        MIDDLEWARE=[
            f"{contrib}.sessions.middleware.SessionMiddleware",
            f"{contrib}.auth.middleware.AuthenticationMiddleware",
            f"{contrib}.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": context},
            }
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{directory}/database"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        IDP_OIDC_PRIVATE_KEY=pem,
        IDP_OIDC_DEVICE_CODE_EXPIRES_IN=lifetime,
    )
    django.setup()


def prepare(directory):
    """Makes the database, a user and a public client."""
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.create_user("ann")
    Client.objects.create(id="a-client", name="a client", type="public", grant_types=f"{DEVICE}\nrefresh_token")


def serve():
    """Serves until the process is ended."""
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    from django.core.wsgi import get_wsgi_application

    WSGIRequestHandler.log_message = lambda *_: None
    server = make_server("127.0.0.1", 0, get_wsgi_application())
    print(server.server_port, flush=True)
    server.serve_forever()


def start(directory, count=1, lifetime=300):
    """Starts so many processes on one database, and returns their URLs."""
    urls = []
    for number in range(count):
        role = "first" if number == 0 else "further"
        command = [sys.executable, "-W", "ignore", __file__, directory, str(lifetime), role]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        watch = threading.Timer(90, process.kill)
        watch.daemon = True
        watch.start()
        urls.append(f"http://127.0.0.1:{int(process.stdout.readline())}")
        PROCESSES.append(process)
    return urls


PROCESSES = []
BROWSER = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
)


def post(url, **form):
    """Posts a form, and returns the status and the JSON, or the text, that came."""
    try:
        answer = BROWSER.open(url, urllib.parse.urlencode(form).encode())
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read().decode()
    is_json = answer.headers.get_content_type() == "application/json"
    return answer.status, json.loads(text) if is_json else text


def begin(url):
    """Begins a login with a device code."""
    status, device = post(f"{url}/identity/o/api/device/code", client_id="a-client", scope="openid")
    assert status == 200, device
    return device


def poll(url, device):
    """Returns the error of one poll, or the tokens."""
    _, answer = post(
        f"{url}/identity/o/api/token", grant_type=DEVICE, client_id="a-client", device_code=device["device_code"]
    )
    return answer if "access_token" in answer else answer["error"]


def agree(url, device):
    """Ann logs in and confirms the code; returns whether the site took it."""
    post(f"{url}/log-in-as-ann")
    status, page = post(f"{url}/identity/o/device?code={device['user_code']}", action="confirm")
    return status == 200 and "Incorrect code" not in page


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


if __name__ == "__main__":
    sys.modules["django_allauth_server"] = sys.modules["__main__"]
    configure(sys.argv[1], int(sys.argv[2]))
    if sys.argv[3] == "first":
        prepare(sys.argv[1])

    from django.contrib.auth import login
    from django.contrib.auth.models import User
    from django.http import HttpResponse
    from django.urls import include, path
    from django.views.decorators.csrf import csrf_exempt

    @csrf_exempt
    def log_in(request):
        login(request, User.objects.get(), backend="django.contrib.auth.backends.ModelBackend")
        return HttpResponse()

    urlpatterns = [
        path("log-in-as-ann", log_in),
        path("accounts/", include("allauth.account.urls")),
        path("", include("allauth.idp.urls")),
    ]
    serve()
