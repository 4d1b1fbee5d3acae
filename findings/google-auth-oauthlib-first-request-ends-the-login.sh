#!/usr/bin/env bash
# google-auth-oauthlib==1.5.0 (Python): `InstalledAppFlow.run_local_server`, the login of very many command lines, of those that
# reach other servers than Google's, too, while something else asks its port before the user has answered.
#
# One would guess: the callback waits for the answer to its own request, as RFC 8252 section 7.3 means it, and has 404 for the rest:
# a browser that wants `/favicon.ico`, a monitor or a tunnel that looks whether the port is open, a tab of an earlier login
# that is loaded again, where the port is a fixed one, as registrations want it.
#
# Seen on 2026-11-29, Python 3.11: the first request of any kind is the answer. It gets 200 and "The authentication flow has
# completed. You may close this window.", and the port closes, so that the user's own answer, a moment later, finds nobody. What the
# program gets is `MismatchingStateError`, a warning of an attack; nothing says that it was another request.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps google-auth-oauthlib==1.5.0 google-auth==2.63.0 \
    requests-oauthlib==2.0.0 oauthlib==4.0.1 requests==2.34.2 urllib3==2.8.0 idna==3.20 certifi==2026.10.19.post1 \
    charset-normalizer==3.5.3 pyasn1==0.6.5 pyasn1_modules==0.4.2 cryptography==50.0.2 cffi==2.1.1 pycparser==3.12

cat >"$temp/finding.py" <<'PYTHON'
import http.client
import json
import os
import queue
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from google_auth_oauthlib.flow import InstalledAppFlow

# The library wants https but for tests, and nothing is to go through a proxy.
os.environ.update(OAUTHLIB_INSECURE_TRANSPORT="1", NO_PROXY="*")


class TokenEndpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Browser(webbrowser.BaseBrowser):
    """Hands the login page's address over, and opens nothing."""

    def open(self, url, new=0, autoraise=True):
        opened.put(url)
        return True


opened = queue.Queue()
webbrowser.register("finding", None, Browser("finding"), preferred=True)
server = ThreadingHTTPServer(("127.0.0.1", 0), TokenEndpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
installed = {"client_id": "a-client", "client_secret": "a-secret", "auth_uri": f"{base}/login", "token_uri": f"{base}/token"}


def request(port, method, path):
    """The status and the body, or that nobody is there."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except ConnectionRefusedError:
        return "refused", ""


def log_in(before):
    """A login in which `before` is asked ahead of the user's answer. What each of them gets, and what the program gets."""
    result = []

    def program():
        flow = InstalledAppFlow.from_client_config({"installed": installed}, scopes=["read"])
        try:
            result.append(flow.run_local_server(host="127.0.0.1", port=0, authorization_prompt_message="").token)
        except Exception as error:
            result.append(type(error).__name__)

    thread = threading.Thread(target=program)
    thread.start()
    query = {name: value for name, (value,) in parse_qs(urlsplit(opened.get(timeout=20)).query).items()}
    port = urlsplit(query["redirect_uri"]).port
    answers = [request(port, *before)] if before else []
    if before:
        thread.join(20)
    answers.append(request(port, "GET", f"/?code=a-code&state={query['state']}"))
    thread.join(20)
    completed = "The authentication flow has completed" in answers[0][1]
    return [status for status, _ in answers], completed, result[0]


def expect(what, before, wanted):
    seen = log_in(before)
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


expect("the answer alone", None, ([200], True, "a-token"))
expect("/favicon.ico first", ("GET", "/favicon.ico"), ([200, "refused"], True, "MismatchingStateError"))
expect("a look at the port first", ("HEAD", "/"), ([200, "refused"], False, "MismatchingStateError"))
old = "/?code=an-old-code&state=an-old-state"
expect("an earlier tab first", ("GET", old), ([200, "refused"], True, "MismatchingStateError"))
PYTHON
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore "$temp/finding.py"
echo "as seen on 2026-11-29"
