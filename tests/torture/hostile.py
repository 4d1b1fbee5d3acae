"""Hostile MCP and authorization servers: a login, a refresh, a check or a logout where one answer is bent."""

import json
import random
import re

import documents
from lab import LOGIN, OTHER, Home, Report, login_to, other_login, visit
from server import RESOURCE_METADATA, SERVER_METADATA, Raw, Server, answer

# The answers that are bent, and how often: a login has to survive the ones that hold most.
PLACES = (
    "challenge", "challenge", "resource", "resource", "server", "server", "server", "register", "register", "token",
    "token", "token", "refresh", "tools", "revoke"
)

# The one URL that is given to a browser, in the form that no shell and no program reads otherwise.
CANONICAL = re.compile(r"https?://[A-Za-z0-9.\-_:\[\]]+[/?][A-Za-z0-9\-._~/%:@=&?+,]*\Z")

BATCH = 10


def plan(seed, scale):
    count = round(5_000 * scale)
    return [("servers", seed, first, min(BATCH, count - first)) for first in range(0, count, BATCH)]


def run(case, lab):
    _, seed, first, count = case
    report = Report("servers")
    for number in range(first, first + count):
        trial(report, lab, random.Random(f"{seed}/servers/{number}"), f"servers {number}")
    return report


def good(place, chance, server, request):
    """The status and the document that the place would have."""
    if place == "challenge":
        return 401, {"error": "invalid_token", "error_description": "no token"}
    if place == "resource":
        return 200, server.resource_metadata()
    if place == "server":
        return 200, server.server_metadata()
    if place == "register":
        asked = json.loads(request.body)
        with server.lock:
            client = f"client-{len(server.clients) + 1}"
            server.clients[client] = asked.get("redirect_uris")
        secret = chance.choice(({}, {"client_secret": "s", "token_endpoint_auth_method": "client_secret_post"}))
        return 201, {**asked, "client_id": client, "client_secret_expires_at": 0, "client_id_issued_at": 1, **secret}
    if place == "tools":
        tool = {"name": "echo", "description": "says it again", "inputSchema": {"type": "object"}}
        return 200, {"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool], "serverInfo": {"name": "a"}}}
    if place == "revoke":
        return 200, {"error": "invalid_request", "error_description": "no"}
    with server.lock:
        server.count += 1
        return 200, {**server._issue(server.count), "id_token": "e30.e30.e30", "error": None, "account": "a@b.example"}


PATHS = {
    "resource": RESOURCE_METADATA, "server": SERVER_METADATA, "register": "/register", "token": "/token",
    "refresh": "/token", "revoke": "/revoke", "challenge": "/mcp", "tools": "/mcp"
}


def challenge(chance, server):
    """A WWW-Authenticate header with a trick in it."""
    here, text = server.origin, chance.choice(documents.TEXTS)
    url = chance.choice((*documents.urls(server), f"{here}{RESOURCE_METADATA}"))
    value = chance.choice((
        f'Bearer resource_metadata="{url}"', f"Bearer resource_metadata={url}", f'Bearer scope="{text}"',
        f'Bearer realm="{text}", scope="read"', f'Bearer error="{text}", error_description="{text}"',
        f'Basic realm="{text}", Bearer scope="{text}"', f"{text}", f"Bearer {text}",
        f'Bearer resource_metadata="{url}", resource_metadata="{here}{RESOURCE_METADATA}"',
        f'DPoP algs="ES256", Bearer resource_metadata="{url}"', 'Bearer scope="' + "a " * 20_000 + '"',
        'Bearer scope="' + "\\" * 9_000, "Bearer " * 5_000, "Bearer " + 'a="b",' * 9_000, 'Bearer scope="unended',
        "Bearer ,,,,=,=", 'Bearer scope=""', "bearer", "BEARER SCOPE=\"read\"", "Negotiate",
        'Bearer scope="read" scope="write"', f'Bearer scope="{url}"', "Bearer\tscope\t=\t\"read\"",
        'Bearer error="insufficient_scope", scope="' + text + '"', '"', "=", 'Bearer a="\x01"',
        'Bearer scope="r\x80ad"',
    ))
    return "".join(character for character in value if character not in "\r\n\0")


def bend(place, chance, server, request):
    """One answer, bent."""
    status, document = good(place, chance, server, request)
    how = chance.randrange(20)
    if place == "challenge" and how < 12:
        headers = [("WWW-Authenticate", challenge(chance, server)) for _ in range(chance.choice((1, 1, 1, 2, 40)))]
        return answer(chance.choice((401, 401, 401, 403)), document, headers=headers)
    headers = [("WWW-Authenticate", server.challenge())] if place == "challenge" else []
    if how < 12:
        return answer(status, documents.mutate(document, chance, server), headers=headers)
    if how < 14:
        return answer(status, documents.mangle(json.dumps(document).encode(), chance), headers=headers)
    if how < 17:
        return Raw(*documents.protocol(status, json.dumps(document).encode(), chance, server))
    if how == 17:
        body = documents.mutate({"error": "invalid_request", "error_description": "no", "error_uri": server.origin},
                                chance, server)
        return answer(400, body, headers=headers)
    if how == 18:
        return answer(chance.choice(documents.STATUSES), document, headers=headers)
    if chance.random() < 0.1:
        retry = chance.choice(("0", "1", "-1", "99999999999999999999", "Fri, 31 Dec 1999 23:59:59 GMT", "\x1b[2J", ""))
        return answer(chance.choice(documents.BUSY), document, headers=[("Retry-After", retry)])
    body = json.dumps(document).encode()
    return Raw(*(body[at:at + 40] for at in range(0, len(body), 40)), pause=0.001)


def trial(report, lab, chance, what):
    place = chance.choice(PLACES)
    what = f"{what}, {place}"
    sent = []

    def deviate(request, server):
        is_it = request.path == PATHS[place] and (place != "refresh" or b"refresh_token" in request.body)
        if place == "resource" and request.path.startswith("/.well-known/oauth-protected-resource"):
            is_it = True
        if not is_it:
            return None
        try:
            reply = bend(place, chance, server, request)
        except (ValueError, KeyError):
            return None
        sent.append(reply.pieces if isinstance(reply, Raw) else reply)
        return reply

    with Server(deviate) as server, Home(lab) as home:
        try:
            commands(report, what, place, server, home)
        finally:
            if report.problems and not getattr(report, "shown", None) == len(report.problems):
                report.shown = len(report.problems)
                column, text = report.problems[-1]
                report.problems[-1] = (column, f"{text}\n    sent {str(sent)[:1500]}")
        report.tried += 1


def commands(report, what, place, server, home):
    """Runs the command that meets the bent answer, and judges it."""
    home.put(other_login())
    other, before = home.logins()[OTHER], home.text()
    if place in ("refresh", "tools", "revoke"):
        tokens = server.family()
        until = {} if place == "refresh" else {"expires_at": "2999-01-01T00:00:00Z"}
        home.put(login_to(server, tokens=tokens, **until), other_login())
        command = {"refresh": "token", "tools": "check", "revoke": "logout"}[place]
        result = home.run(command, "--store", "file", server.mcp)
        report.judge(result, what, secrets_on_stdout=command == "token")
    else:
        running = home.start(*LOGIN, server.mcp)
        event = running.event("authorization_url", "error", "logged_in")
        if event and event["event"] == "authorization_url":
            if not CANONICAL.match(
                event["url"]
            ) or not (event["url"].startswith(("https://", "http://127.", "http://localhost", "http://["))):
                report.problem("wrong", f"{what}: the browser would get {event['url'][:300]!r}")
            target = server.authorize(event["url"])
            if target is None:
                running.end()
            else:
                visit(target)
        result = running.finish()
        report.judge(result, what, {0, 1, 2, 3, 4, 5, 6, 7, 9, -15})
    try:
        logins = home.logins()
    except ValueError as error:
        report.problem("damaged", f"{what}: {error}: {home.text()[:300]!r}")
        return
    if logins.get(OTHER) != other:
        report.problem("damaged", f"{what}: the other login is {logins.get(OTHER)}")
    # Whatever was stored, both logins can be read, shown and forgotten.
    if result.code == 0 and place != "revoke" and server.mcp not in logins:
        report.problem("wrong", f"{what}: exit 0 and nothing stored; {result.said()}")
    if result.code == 0 or home.text() != before:
        after(report, what, server, home, place)


def after(report, what, server, home, place):
    other = home.run("token", "--store", "file", OTHER)
    if other.code != 0 or other.out.strip() != b"ACCESS-other-secret":
        report.problem("damaged", f"{what}: the other login cannot be read: {other.code} {other.said()}")
    status = home.run("status", "--json", "--store", "file")
    report.judge(status, f"{what}: status")
    if status.code != 0:
        report.problem("damaged", f"{what}: status says {status.code} {status.said()}")
    if place in ("register", "token", "refresh"):
        server.deviate = None
        mine = home.run("token", "--store", "file", server.mcp)
        report.judge(mine, f"{what}: token", {0, 3, 5}, secrets_on_stdout=True)
        gone = home.run("logout", "--store", "file", server.mcp)
        report.judge(gone, f"{what}: logout")
        if gone.code not in (0, 5) or server.mcp in home.logins():
            report.problem("wrong", f"{what}: it cannot be forgotten: {gone.code} {gone.said()}")
