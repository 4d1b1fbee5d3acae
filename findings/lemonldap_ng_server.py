"""LemonLDAP::NG with its users for demonstrations and one public client, on a free port of 127.0.0.1; and a user of it with a browser."""

import base64
import hashlib
import html
import http.cookiejar
import json
import os
import pathlib
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

REDIRECT_URI = "http://127.0.0.1:53682/callback"
VERIFIER = "v" * 43
# The portal loads a module for pictures of letters even where none are shown, which needs a library for pictures.
NO_CAPTCHA = "package Lemonldap::NG::Portal::Captcha::None; use Mouse; extends 'Lemonldap::NG::Portal::Main::Plugin'; sub init { 1 } 1;"
APPLICATION = """
use Lemonldap::NG::Portal::Main;
Lemonldap::NG::Portal::Main->run({
    configStorage => { type => 'File', dirName => "$ENV{HERE}/conf" }, checkTime => $ENV{CHECK_TIME}, logLevel => 'emerg',
    localSessionStorage => 'Cache::FileCache',
    localSessionStorageOptions => { namespace => 'portal', cache_root => "$ENV{HERE}/cache", cache_depth => 0, default_expires_in => 600 },
    templateDir => "$ENV{ROOT}/usr/share/lemonldap-ng/portal/templates", staticPrefix => '/static', protection => 'none',
});
"""


class Server:
    """Runs LemonLDAP::NG, whose packages are extracted in `root`, in the current directory, where `key.pem` and `public.pem` are its key."""

    def __init__(self, root, check_time):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{port}"
        here = pathlib.Path.cwd()
        for name in ("conf", "sessions", "lock", "cache", "lib/Lemonldap/NG/Portal/Captcha"):
            (here / name).mkdir(parents=True, exist_ok=True)
        (here / "lib/Lemonldap/NG/Portal/Captcha/None.pm").write_text(NO_CAPTCHA)
        (here / "application.psgi").write_text(APPLICATION)
        client = {
            "ClientID": "tool", "Public": 1, "RequirePKCE": 1, "RedirectUris": REDIRECT_URI, "AllowOffline": 1, "BypassConsent": 1,
            "IDTokenSignAlg": "RS256", "AccessTokenExpiration": 3600, "OfflineSessionExpiration": 6,
        }
        configuration = {
            "cfgNum": 1, "cfgAuthor": "finding", "cfgDate": 1, "key": "for this run only", "domain": "127.0.0.1", "portal": f"{self.issuer}/",
            "authentication": "Demo", "userDB": "Same", "passwordDB": "Demo", "demoExportedVars": {"cn": "cn", "mail": "mail", "uid": "uid"},
            "cookieName": "lemonldap", "securedCookie": 0, "https": 0, "requireToken": 0, "captcha": "::Captcha::None",
            "whatToTrace": "_whatToTrace", "macros": {"_whatToTrace": "$uid"}, "locationRules": {"127.0.0.1": {"default": "accept"}},
            "globalStorage": "Apache::Session::File",
            "globalStorageOptions": {
                "Directory": f"{here}/sessions", "LockDirectory": f"{here}/lock",
                "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256",
            },
            "issuerDBOpenIDConnectActivation": 1, "oidcServiceMetaDataIssuer": self.issuer, "oidcServiceAllowAuthorizationCodeFlow": 1,
            "oidcServiceAllowDynamicRegistration": 1, "oidcServiceKeyIdSig": "a-key",
            "oidcServicePrivateKeySig": (here / "key.pem").read_text(), "oidcServicePublicKeySig": (here / "public.pem").read_text(),
            "oidcRPMetaDataOptions": {"tool": {f"oidcRPMetaDataOptions{name}": value for name, value in client.items()}},
            "oidcRPMetaDataExportedVars": {"tool": {"name": "cn"}},
        }
        (here / "conf/lmConf-1.json").write_text(json.dumps(configuration))
        library = f"{root}/usr/lib/x86_64-linux-gnu"
        env = os.environ | {
            "HERE": str(here), "ROOT": root, "CHECK_TIME": str(check_time), "LD_LIBRARY_PATH": library,
            "PERL5LIB": f"{here}/lib:{root}/usr/share/perl5:{library}/perl5/5.36",
        }
        command = ["perl", f"{root}/usr/bin/plackup", "-s", "HTTP::Server::PSGI", "--host", "127.0.0.1", "--port", str(port)]
        with open("said", "w") as said:
            self.process = subprocess.Popen([*command, "--env", "production", "application.psgi"], env=env, stdout=said, stderr=said)
        until = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < until and self.process.poll() is None, pathlib.Path("said").read_text()
            time.sleep(0.1)
        self.metadata = ask(f"{self.issuer}/.well-known/openid-configuration")[2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def token(self, **form):
        """Asks the token endpoint. Returns the status and the body."""
        status, _, body = ask(self.metadata["token_endpoint"], urllib.parse.urlencode(form).encode())
        return status, body

    def exchange(self, client, code, **more):
        return self.token(
            grant_type="authorization_code", client_id=client, code=code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER, **more
        )


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def opener(*more):
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect(), *more)


def ask(url, body=None, headers={}, using=opener()):
    """Returns the status, the headers, and the body, as JSON if it is that."""
    try:
        answer = using.open(urllib.request.Request(url, body, headers), timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read().decode()
    try:
        return answer.status, answer.headers, json.loads(text)
    except ValueError:
        return answer.status, answer.headers, text


class Browser:
    def __init__(self, server):
        self.server = server
        self.opener = opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def log_in(self, client, scope):
        """Logs in and agrees to everything. Returns the parameters at the redirect URI, or `None` if it comes to no end."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code", "client_id": client, "redirect_uri": REDIRECT_URI, "scope": scope, "state": "a-state",
            "code_challenge": challenge, "code_challenge_method": "S256",
        }
        url, form = f"{self.server.metadata['authorization_endpoint']}?{urllib.parse.urlencode(query)}", None
        for _ in range(6):
            _, headers, page = ask(url, form, using=self.opener)
            if location := headers["Location"]:
                url, form = urllib.parse.urljoin(url, location), None
                if url.startswith(REDIRECT_URI):
                    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
                continue
            fields = {name: html.unescape(value) for name, value in re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page)}
            if 'name="password"' in page:
                fields |= {"user": "dwho", "password": "dwho"}
            action = re.search(r'<form[^>]*action="([^"#]*)', page)
            if not action:
                return None
            url, form = urllib.parse.urljoin(url, html.unescape(action[1]) or url), urllib.parse.urlencode(fields).encode()
        return None


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"
