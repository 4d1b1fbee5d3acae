"""Forged and broken requests to the callback port of a login that waits; then its real answer, which has to be taken.

None may be accepted: no token request, and no page that says so. None may keep the port from the real one.
"""

import random
import socket
import struct
from urllib.parse import parse_qsl, quote, urlsplit

from lab import LOGIN, Home, Report, visit
from server import Server

BATCH = 250

METHODS = (
    "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "GE T", "PROPFIND", "\x1b[2J",
    "GET\x00", "G" * 9_000
)

HOSTS = (
    "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "0.0.0.0", "[::]", "10.0.0.1", "127.1",
    "2130706433", "0x7f000001", "localhost@evil.example", "evil.example@127.0.0.1", "127.0.0.1 evil", "127.0.0.1\x00",
    "xn--", "A" * 5_000, "127.0.0.1/x", "169.254.169.254", "rebind.network", "127.0.0.1,evil.example", "[::1",
    "[::ffff:10.0.0.1]", "*", "null", "file://", "127.0.0.1#"
)

PATHS = (
    "/", "/callback/", "/Callback", "/callback%2f", "/callbac", "/callback/x", "//callback", "/./callback",
    "/../callback", "/a/../callback", "/callback;x", "/%63allback", "/callback%00", "/callback.html", "/callback\\",
    "callback", "*", "http://evil.example/callback", "/favicon.ico", "/.well-known/x", "/%2e%2e/callback",
    "/callback\t", "/callback%3Fcode=x", "/" + "a" * 9_000
)

FETCHED = ((
    "Sec-Fetch-Dest", ("image", "iframe", "script", "empty", "style", "object", "embed", "frame", "worker", "\x01")
), ("Sec-Fetch-Mode", ("cors", "no-cors", "same-origin", "websocket")), ("Purpose", ("prefetch",)),
           ("Sec-Purpose", ("prefetch", "prefetch;prerender")), ("X-Moz", ("prefetch",)))


def plan(seed, scale):
    count = round(13_000 * scale)
    return [("callbacks", seed, first, min(BATCH, count - first)) for first in range(0, count, BATCH)]


def wrong_state(chance, good):
    return chance.choice((
        None, "", "x", good[:-1], good + "a", good.upper() if good.upper() != good else good.lower(),
        good[::-1], f" {good}", f"{good} ", quote(good + "\x00"), good[1:], "A" * 60_000, "%zz",
        good.replace(good[0], "%00", 1), "null", "undefined", "true", f"{good},{good}", f"[{good}]", "%" + good[1:],
        "".join(chance.choice("abcdefABCDEF0123456789-_")
                for _ in good), "\u0430" + good[1:], good.swapcase(), good + "%20", "%EF%BB%BF" + good,
    ))


def message(chance, state, iss):
    """Parameters with a code or an error. With the right state they are twice there, or speak for another issuer."""
    code = chance.choice((
        "code=FORGED", "code=", "code=" + "x" * 9_000, "code=%00", "code=%1b%5b2J", "error=access_denied",
        "error=server_error", "error=invalid_client", "error=%1b%5d52;c;x%07", "code=a&error=b", "code=<script>",
        "code[]=x", "CODE=x", "error_description=%1b%5b2J&error=x"
    ))
    pairs = [code] + ([f"state={state}"] if state is not None else []) + ([f"iss={quote(iss, safe='')}"] if iss else [])
    if chance.random() < 0.3:
        pairs.append(
            chance.choice((
                "x=y", "state=", f"code={chance.random()}", "&&&&", "=", "%", "a=%zz", "scope=" + "a" * 5_000, "x=\x00",
                "x=\xff", "session_state=1"
            ))
        )
    chance.shuffle(pairs)
    return chance.choice(("&", "&", "&", "&", ";", "&amp;", "&&")).join(pairs)


def forged(chance, place, state, origin):
    """One request: its bytes, and how the connection ends."""
    host, path = place.netloc, place.path
    method, target, headers = "GET", path, [("Host", host)]
    how = chance.randrange(16)
    if how <= 5:
        target += "?" + message(
            chance, wrong_state(chance, state), chance.choice((None, None, origin, "https://evil.example"))
        )
    elif how == 6:
        # The right state, and not the right issuer.
        target += f"?code=FORGED&state={state}&iss=" + quote(
            chance.choice(("https://evil.example", origin + "/", origin.upper(), "", "x", "\x00")), safe=""
        )
    elif how == 7:
        target += "?" + chance.choice((
            f"code=FORGED&state={state}&state={state}", f"code=a&code=b&state={state}", f"state={state}",
            f"code=a&error=b&state={state}", f"code=&state={state}", f"code=%zz&state={state}",
            f"code=FORGED&state={state}&state=x", f"code=a&iss=a&iss=b&state={state}"
        ))
    elif how == 8:
        target, headers = target + f"?code=FORGED&state={state}", [("Host", chance.choice(HOSTS))]
    elif how == 9:
        method, target = chance.choice(METHODS), target + f"?code=FORGED&state={state}"
    elif how == 10:
        target = chance.choice(PATHS) + f"?code=FORGED&state={state}"
    elif how == 11:
        name, values = chance.choice(FETCHED)
        target += f"?code=FORGED&state={state}"
        headers += [("Sec-Fetch-Mode", "navigate")] * (name != "Sec-Fetch-Mode") + [(name, chance.choice(values))]
    elif how == 12:
        target += chance.choice((
            f"#code=FORGED&state={state}", f"/?code=FORGED&state={state}", f"%3fcode=FORGED&state={state}",
            f"?code=FORGED%26state={state}"
        ))
    else:
        return noise(chance, host, path, state), how == 15 and chance.random() < 0.5
    lines = [f"{method} {target} {chance.choice(('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'))}"]
    headers += [(
        chance.choice(("Cookie", "Referer", "User-Agent", "Accept", "X-Forwarded-Host", "Origin")),
        chance.choice(("x", "https://evil.example", "\x1b[2J", "a" * 2_000))
    )]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogatepass"), False


def noise(chance, host, path, state):
    """What is no request, or a broken one."""
    line, head = f"GET {path}?code=FORGED&state=x HTTP/1.1\r\n".encode(), f"Host: {host}\r\n".encode()
    form = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    form += f"Content-Length: {len(state) + 18}\r\n\r\ncode=FORGED&state={state}"
    return chance.choice((
        form.encode(), b"", b"\x00" * 4_096, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x07" * 200,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-x\r\n", b"\r\n" * 40, line, line + head, line + head + b"\r\n" + line + head + b"\r\n",
        line.replace(b"\r", b"") + head.replace(b"\r", b"") + b"\n", line + head + b"A: b\r\n c\r\n\r\n",
        line + head + b": b\r\n\r\n", line + head + b"A\x00: b\r\n\r\n", line + b"A: b\r\n" * 200 + b"\r\n",
        line + head + b"A: " + b"b" * 66_000 + b"\r\n\r\n", line + head + b"Content-Length: 99999999999\r\n\r\n",
        line + head + b"Content-Length: -1\r\n\r\n", line + head + b"Content-Length: 18446744073709551615\r\n\r\nx",
        line + head + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        line + head + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", line + head +
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        line.replace(b"1.1", b"9.9") + head + b"\r\n", b"GET\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n",
        line.replace(b" HTTP/1.1", b"") + head + b"\r\n", b"\xff\xfe" * 300,
        bytes(chance.randrange(256) for _ in range(300)), line + head + head + b"\r\n",
    ))


def deliver(address, data, reset):
    """Sends it and returns the answer; with `reset` the connection is torn down at once."""
    try:
        with socket.create_connection(address, 5) as stream:
            stream.sendall(data)
            if reset:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return b""
            # Half a request waits for the rest of it until its time is up; nobody waits for that here.
            stream.settimeout(10 if data.endswith(b"\r\n\r\n") else 0.002)
            return stream.recv(1 << 16)
    except OSError:
        return b""


def run(case, lab):
    _, seed, first, count = case
    report = Report("callbacks")
    what = f"callbacks {first} to {first + count - 1}"
    with Server() as server, Home(lab) as home:
        running = home.start(*LOGIN[:-1], "120s", server.mcp, limit=150)
        event = running.event("authorization_url", "error")
        if not event or event["event"] == "error":
            report.problem("wrong", f"{what}: no login; {running.finish().said()}")
            return report
        state = dict(parse_qsl(urlsplit(event["url"]).query))["state"]
        place = urlsplit(event["redirect_uri"])
        for number in range(first, first + count):
            data, reset = forged(random.Random(f"{seed}/callbacks/{number}"), place, state, server.origin)
            page = deliver((place.hostname, place.port), data, reset)
            report.tried += 1
            if b"You are logged in" in page or b"FORGED" in page or b"<script>alert" in page or state.encode() in page:
                report.problem("wrong", f"callbacks {number}: taken or reflected: {data[:300]!r} gives {page[:300]!r}")
            if server.asked("/token") or running.process.poll() is not None:
                report.problem("wrong", f"callbacks {number}: it ended the wait: {data[:300]!r} gives {page[:300]!r}")
                break
        if running.process.poll() is None and visit(server.authorize(event["url"])) != 200:
            report.problem("wrong", f"{what}: the real answer was not taken")
        result = running.finish()
        report.judge(result, what, {0})
        if result.code == 0 and server.mcp not in home.logins():
            report.problem("wrong", f"{what}: exit 0 and nothing stored")
    return report
