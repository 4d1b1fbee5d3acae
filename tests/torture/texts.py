"""Text of strangers in every place from which the program prints: none of it may reach the terminal as it came.

All runs are in the locale C, where nothing but printable ASCII may be printed.
"""

import base64
import json
import os
import random
from urllib.parse import parse_qsl, quote, urlsplit

import documents
from lab import EXIT_CODES, LOGIN, Home, Report, agree, login_to, other_login, visit
from server import RESOURCE_METADATA, SERVER_METADATA, Server, answer

BATCH = 20

PLACES = (
    "error_description", "error", "error_uri", "callback error", "registration error", "token error", "scope",
    "scopes_supported", "client_name", "id token", "token_type", "reason", "challenge", "content type", "tools",
    "server info", "refresh error", "revocation error", "argument", "directory", "configured name", "stored", "issuer",
    "account", "location"
)


def plan(seed, scale):
    count = round(900 * scale)
    return [("texts", seed, first, min(BATCH, count - first)) for first in range(0, count, BATCH)]


def words(chance):
    """A text with at least one thing in it that no terminal should get."""
    some = [chance.choice(documents.TEXTS) for _ in range(chance.randrange(1, 4))]
    control = chr(
        chance.choice((
            *range(1, 32), *range(127, 160), 0xAD, 0x61C, 0x200E, 0x202A, 0x202E, 0x2028, 0x2029, 0x2066, 0xFEFF,
            0xE0001, 0x1F600, 0x300
        ))
    )
    return chance.choice(("", "MARK ")) + chance.choice(("", " and ")).join([*some, control])


def run(case, lab):
    _, seed, first, count = case
    report = Report("texts")
    for number in range(first, first + count):
        chance = random.Random(f"{seed}/texts/{number}")
        place = PLACES[number % len(PLACES)]
        text = words(chance)
        with Server(deviation(place, text, chance)) as server, Home(lab) as home:
            trial(report, f"texts {number}, {place} {text[:200]!r}", chance, place, text, home, server)
        report.tried += 1
    return report


def deviation(place, text, chance):
    """The answer that holds the text."""
    line = "".join(it for it in text if it not in "\r\n\0")
    error = {
        "error": chance.choice(("invalid_grant", "invalid_client", text)), "error_description": text, "error_uri": text
    }

    def deviate(request, server):
        path, good = request.path, server.server_metadata()
        if place == "scopes_supported" and path in (RESOURCE_METADATA, "/mcp"):
            if path == "/mcp":
                return answer(
                    401,
                    b"",
                    headers=[("WWW-Authenticate", f'Bearer resource_metadata="{server.origin}{RESOURCE_METADATA}"')]
                )
            return answer(
                200, {**server.resource_metadata(), "scopes_supported": [text, "read"], "resource_name": text}
            )
        if place == "issuer" and path == SERVER_METADATA:
            return answer(200, {**good, "issuer": f"{server.origin}/{text}"})
        if place == "location" and path == SERVER_METADATA:
            return answer(302, b"", headers=[("Location", line.encode("utf-8", "replace").decode("latin-1"))])
        if place == "content type" and path == SERVER_METADATA:
            return answer(200, b"no", kind=line.encode("utf-8", "replace").decode("latin-1"))
        if place == "reason" and path == SERVER_METADATA:
            return f"HTTP/1.1 403 {line}\r\nContent-Length: 0\r\n\r\n".encode("utf-8", "replace")
        if place == "challenge" and path == "/mcp":
            value = f'Bearer error="{line}", error_description="{line}", scope="{line}", realm="{line}"'
            return answer(401, b"", headers=[("WWW-Authenticate", value.encode("utf-8", "replace").decode("latin-1"))])
        if place == "registration error" and path == "/register":
            return answer(400, error)
        if place in ("token error", "refresh error") and path == "/token":
            return answer(400, error)
        if place == "revocation error" and path == "/revoke":
            return answer(400, error)
        if place in ("scope", "id token", "token_type", "account", "client_name") and path == "/token":
            claims = base64.urlsafe_b64encode(
                json.dumps({"email": text, "name": text, "sub": text, "iss": server.origin, "aud": "client-1"}).encode()
            ).decode()
            more = {"scope": {"scope": text}, "token_type": {"token_type": text}
                    }.get(place, {"id_token": f"e30.{claims.rstrip('=')}.e30", "account": text})
            return answer(200, {**server.family(), **more})
        if place in ("tools", "server info") and path == "/mcp" and request.headers.get("authorization"):
            tool = {"name": text, "title": text, "description": text, "inputSchema": {}}
            result = {
                "tools": [tool], "serverInfo": {"name": text, "version": text}, "protocolVersion": text,
                "instructions": text
            }
            failed = {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": text, "data": text}}
            return answer(200, {"jsonrpc": "2.0", "id": 1, "result": result} if chance.random() < 0.6 else failed)
        return None

    return deviate


def trial(report, what, chance, place, text, home, server):
    plain = text.replace("\0", "")[:60_000]
    live = {"expires_at": "2999-01-01T00:00:00Z"}
    if place in ("tools", "server info", "refresh error", "revocation error", "stored", "account"):
        members = {"scopes": [text], "account": text, "issuer": server.origin, "client_id": text
                   } if place == "stored" else {}
        home.put(
            login_to(server, tokens=server.family(), **({} if place == "refresh error" else live), **members),
            other_login()
        )
    if place in ("tools", "server info"):
        run_one(report, what, home, "check", server.mcp)
    elif place == "refresh error":
        run_one(report, what, home, "token", server.mcp)
    elif place in ("stored", "revocation error"):
        for command in (["status"], ["doctor"], ["handover", server.mcp, "--to", "hermes", "--name",
                                                 "x"], ["logout", server.mcp]):
            run_one(report, what, home, *command)
    elif place == "argument":
        at = chance.choice((["token", plain], [plain], [f"https://{plain}"], ["status",
                                                                              plain], ["--profile", plain, "status"],
                            ["--scope", plain, "token",
                             "x"], ["handover", server.mcp, "--to",
                                    plain], [f"--{plain}"], ["exec", server.mcp, "--", plain], ["logout", plain],
                            ["--store", plain, "status"], ["--ca-file", plain, "token", server.mcp]))
        home.put(login_to(server, tokens=server.family(), **live))
        run_one(report, what, home, *at)
    elif place == "directory":
        odd = os.path.join(home.path, plain.replace("/", "_")[:60] or "x")
        os.makedirs(odd, mode=0o700, exist_ok=True)
        for command in (["status"], ["token", server.mcp], ["doctor"]):
            run_one(report, what, home, *command, env={"HOME": odd, "XDG_CONFIG_HOME": odd})
    elif place == "configured name":
        path = os.path.join(home.home, ".cursor", "mcp.json")
        os.makedirs(os.path.dirname(path))
        with open(path, "wb") as file:
            file.write(
                json.dumps({
                    "mcpServers": {
                        text: {"url": server.mcp}, "y": {"url": text}, "\u202ex": {"url": f"{server.mcp}?{text}"}
                    }
                }).encode("utf-8", "surrogatepass")
            )
        for command in (["status", "--from", "cursor"], ["nobody"], ["doctor"], [plain]):
            run_one(report, what, home, *command, env={"MCP_LOGIN_TIMEOUT": "2s"})
    else:
        login(report, what, chance, place, text, home, server)


def run_one(report, what, home, *command, **rest):
    result = home.run(*command, env={"MCP_LOGIN_STORE": "file", **rest.pop("env", {})}, **rest)
    report.judge(result, f"{what}: {str(command)[:200]}", EXIT_CODES | {126, 127}, secrets_on_stdout=True)


def login(report, what, chance, place, text, home, server):
    """A login, as a person sees it or as a script reads it; and what is shown of it afterwards."""
    how = list(LOGIN) if chance.random() < 0.5 else [*LOGIN, "-v"]
    running = home.start(*how, server.mcp)
    if place in ("error", "error_description", "error_uri", "callback error"):
        event = running.event("authorization_url", "error")
        if event and event["event"] == "authorization_url":
            asked = dict(parse_qsl(urlsplit(event["url"]).query))
            coded = quote(text.encode("utf-8", "surrogatepass")[:3_000], safe="")
            error = {"error": coded, "callback error": coded}.get(place, "access_denied")
            refused = f"error={error}&error_description={coded}&error_uri={coded}&state={asked['state']}"
            if visit(f"{asked['redirect_uri']}?{refused}") != 200:
                running.end()
    else:
        agree(running, server)
    if not running.ends_within(25):
        running.end()
    result = running.finish()
    report.judge(result, what, EXIT_CODES | {-15})
    if result.code == 0:
        run_one(report, what, home, "status")
        run_one(report, what, home, "status", "--json")
