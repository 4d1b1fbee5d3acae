#!/usr/bin/env python3
"""Logs in with an installed mcp-login as a person would, to a server of its own, and asks for the token.

    packaging/login.py [--paste] [--tls DIRECTORY] COMMAND...    such as: packaging/login.py /usr/bin/mcp-login

Without --paste a browser follows the redirection to the callback; with it, the address is pasted into the program's stdin.
With --tls the server is https://mcp.test, with cert.pem and key.pem of the directory, and the only name server knows that name;
this is for a network of its own (unshare --net), as root.
"""
import argparse
import base64
import hashlib
import http.client
import http.server
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.parse

TOKEN = "packaged-access-token"


class Server(http.server.BaseHTTPRequestHandler):
    """A protected MCP server and its authorization server, which know one client and one code."""

    challenge = None
    origin = None

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
        origin = self.origin
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
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection("127.0.0.1", parts.port, context=ssl._create_unverified_context(), timeout=30)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
    response = connection.getresponse()
    response.read()
    return response.status, response.headers.get("Location")


def serve_names():
    """A name server: mcp.test is 127.0.0.1, has no other addresses, and nothing else exists (RFC 1035)."""
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    while True:
        query, client = names.recvfrom(512)
        end = query.index(b"\0", 12) + 5
        question, known, is_a = query[12:end], query[12:end - 4].lower() == b"\3mcp\4test\0", query[end - 4:end - 2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if known and is_a else b""
        counts = b"\0\1" + (b"\0\1" if answer else b"\0\0") + b"\0\0\0\0"
        names.sendto(query[:2] + (b"\x81\x80" if known else b"\x81\x83") + counts + question + answer, client)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paste", action="store_true")
    parser.add_argument("--tls", metavar="DIRECTORY")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    command, paste, tls = arguments.command, arguments.paste, arguments.tls
    if tls:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Server.origin = f"http://127.0.0.1:{server.server_port}"
    if tls:
        Server.origin = f"https://mcp.test:{server.server_port}"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{tls}/cert.pem", f"{tls}/key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=serve_names, daemon=True).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"{Server.origin}/mcp"
    with tempfile.TemporaryDirectory() as home:
        # MCP_LOGIN_DATA_DIR lets a run in another root name a directory there.
        env = {**os.environ, "MCP_LOGIN_STORE": "file"}
        env.setdefault("MCP_LOGIN_DATA_DIR", home)
        login = subprocess.Popen([*command, "--no-browser", *["--paste"] * paste, "--timeout", "2m", url], env=env, text=True,
                                 stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        shown = []
        for line in login.stderr:
            shown.append(line)
            found = re.search(re.escape(Server.origin) + r"/authorize\?\S+", line)
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
    print(f"logged in by {'paste' if paste else 'callback'}{' at ' + url if tls else ''}, token printed, logged out: {' '.join(command)}")


if __name__ == "__main__":
    main()
