#!/usr/bin/env python3
"""Logs in with an installed mcp-login as a person would, to a server of its own, and asks for the token.

    packaging/login.py [--paste] COMMAND...    such as: packaging/login.py /usr/bin/mcp-login

Without --paste a browser follows the redirection to the callback; with it, the address is pasted into the program's stdin.
"""
import base64
import hashlib
import http.client
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse

TOKEN = "packaged-access-token"


class Server(http.server.BaseHTTPRequestHandler):
    """A protected MCP server and its authorization server, which know one client and one code."""

    challenge = None

    def log_message(self, *_):
        pass

    def reply(self, status, document=None, **headers):
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def handle_one(self):
        origin = f"http://127.0.0.1:{self.server.server_port}"
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = dict(urllib.parse.parse_qsl(body if path == "/token" else query))
        if path == "/.well-known/oauth-protected-resource/mcp":
            self.reply(200, {"resource": f"{origin}/mcp", "authorization_servers": [origin]})
        elif path == "/.well-known/oauth-authorization-server":
            self.reply(200, {
                "issuer": origin, "authorization_endpoint": f"{origin}/authorize", "token_endpoint": f"{origin}/token",
                "registration_endpoint": f"{origin}/register", "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"], "token_endpoint_auth_methods_supported": ["none"],
                "authorization_response_iss_parameter_supported": True,
            })
        elif path == "/register":
            self.reply(201, {"client_id": "packaged", "token_endpoint_auth_method": "none", **json.loads(body)})
        elif path == "/authorize":
            Server.challenge = form["code_challenge"]
            answer = urllib.parse.urlencode({"code": "code", "state": form["state"], "iss": origin})
            self.reply(302, Location=f"{form['redirect_uri']}?{answer}")
        elif path == "/token":
            verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
            if base64.urlsafe_b64encode(verifier).decode().rstrip("=") != Server.challenge:
                return self.reply(400, {"error": "invalid_grant"})
            self.reply(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r"})
        elif path == "/mcp":
            metadata = f'Bearer resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp"'
            self.reply(401, WWW_Authenticate=metadata)
        else:
            self.reply(404)

    do_GET = do_POST = handle_one


def get(url):
    """Asks for a URL as a browser does; returns the status and the redirection."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
    response = connection.getresponse()
    response.read()
    return response.status, response.headers.get("Location")


def main():
    command = sys.argv[1:]
    paste = command[0] == "--paste"
    command = command[paste:]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/mcp"
    with tempfile.TemporaryDirectory() as home:
        # MCP_LOGIN_DATA_DIR lets a run in another root name a directory there.
        env = {**os.environ, "MCP_LOGIN_STORE": "file"}
        env.setdefault("MCP_LOGIN_DATA_DIR", home)
        login = subprocess.Popen([*command, "--no-browser", *["--paste"] * paste, "--timeout", "2m", url], env=env, text=True,
                                 stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        shown = []
        for line in login.stderr:
            shown.append(line)
            found = re.search(r"http://127\.0\.0\.1:\d+/authorize\?\S+", line)
            if found:
                status, answer = get(found[0])
                assert status == 302, status
                if paste:
                    login.stdin.write(answer + "\n")
                    login.stdin.flush()
                else:
                    status, _ = get(answer)
                    assert status == 200, status
        assert login.wait(120) == 0, "".join(shown)
        token = subprocess.run([*command, "token", url], env=env, check=True, capture_output=True, text=True).stdout.strip()
        assert token == TOKEN, token
        subprocess.run([*command, "logout", url], env=env, check=True, capture_output=True)
    print(f"logged in by {'paste' if paste else 'callback'}, token printed, logged out: {' '.join(command)}")


if __name__ == "__main__":
    main()
