"""Pastes that are no answer: junk, other answers, other issuers, terminal sequences, sizes. Then the good one.

None may be taken: no token request. What is printed about them holds none of their bytes that a terminal obeys.
"""

import random
import re
import time
from urllib.parse import parse_qsl, quote, urlsplit

import documents
from callbacks import message, wrong_state
from lab import LOGIN, Home, Report
from server import Server

BATCH, SIDE_BY_SIDE = 240, 8

# The most bytes of one paste, and the silence that ends it, in seconds.
MOST, PAUSE = 300_000, 0.33

WRAPPINGS = (
    "{}", "<{}>", '"{}"', "'{}'", "({})", "[{}]", "**{}**", "curl '{}'", "Location: {}", "see {} please",
    "\x1b[200~{}\x1b[201~", "\x1b[31m{}\x1b[0m", "\u200b{}\ufeff", "> {}", "[x]({})", "{{\"url\":\"{}\"}}", "  {}  ",
    "{}\x00", "\x1b]8;;{}\x07x\x1b]8;;\x07", "{} {}", "HTTP/1.1 302 Found\r\rLocation: {}"
)


def plan(seed, scale):
    count = round(3_000 * scale)
    return [("pastes", seed, first, min(BATCH, count - first)) for first in range(0, count, BATCH)]


def junk(chance, event, state, origin):
    """One line of text without a line end."""
    uri = event["redirect_uri"]
    how = chance.randrange(14)
    if how <= 3:
        text = uri + "?" + message(
            chance, other_state(chance, state), chance.choice((None, origin, "https://evil.example"))
        )
    elif how == 4:
        text = f"{uri}?code=FORGED&state={state}&iss=" + quote(
            chance.choice(("https://evil.example", origin + "/", "", "\x00")), safe=""
        )
    elif how == 5:
        text = chance.choice((
            f"code=a&code=b&state={state}", f"?code=x&error=y&state={state}", f"state={state}",
            f"code=FORGED&state={state}&state={state}", f"#state={state}", state, f"code={state}",
            f"{uri}?code=%zz&state={state}", f"{uri}?code=&state={state}", f"code=FORGED&state={state[:-1]}"
        ))
    elif how == 6:
        text = chance.choice((
            event["url"], event["url"][:200], event["url"].replace("state=", "code=x&stat="), uri, "http://",
            "https://evil.example/?code=x"
        ))
    elif how == 7:
        text = chance.choice(documents.TEXTS)
    elif how == 8:
        text = "".join(
            chr(
                chance.
                choice((chance.randrange(1, 128), chance.randrange(128, 0xD800), chance.randrange(0xE000, 0x11000)))
            ) for _ in range(chance.randrange(1, 400))
        )
    elif how == 9:
        # Built to be slow: many beginnings, many wrappings, many separators.
        text = chance.choice((
            "http://" * 2_000, "(" * 20_000, "[" * 9_000 + "]" * 9_000, "code=" * 5_000, "&" * 30_000, "?" * 30_000,
            "\x1b[" * 9_000, "%3D" * 9_000, "state=" * 4_000, "\\u0026" * 4_000, "=" * 30_000, "\x1b]" * 9_000,
            "a " * 15_000, "http://a?code=b " * 1_500, "\u202e" * 9_000
        ))
    elif how == 10:
        text = "A" * chance.choice((65_000, 65_535, 65_536, 65_537, 70_000, 200_000))
    else:
        text = f"{uri}?code=FORGED&state={other_state(chance, state)}"
        for _ in range(chance.randrange(1, 4)):
            text = chance.choice(WRAPPINGS).replace("{}", text).replace("{{", "{").replace("}}", "}")
    data = text.encode("utf-8", "surrogatepass").replace(b"\n", b" ").replace(b"\r", b" ")
    if chance.random() < 0.05:
        data += bytes(chance.randrange(128, 256) for _ in range(20))
    return data


class Waiting:
    """A login that waits for a paste."""
    def __init__(self, lab):
        self.server, self.home = Server(), Home(lab)
        words = [word for word in LOGIN[:-1] if word != "--no-paste"] + ["120s", "--paste"]
        self.running = self.home.start(*words, self.server.mcp, limit=150, stdin=b"", close_stdin=False)
        self.event = self.running.event("authorization_url", "error")
        self.state = dict(parse_qsl(urlsplit(self.event["url"]).query))["state"]

    def offer(self, report, chance):
        """Pastes junk, and returns it."""
        line = junk(chance, self.event, self.state, self.server.origin)
        if chance.random() < 0.1:
            line = line.replace(b"?", b"?\n", 1)
        self.running.type_in(line[:MOST] + b"\n")
        report.tried += 1
        return line

    def check(self, report, what, line):
        if self.server.asked("/token") or self.running.process.poll() is not None:
            report.problem("wrong", f"{what}: it ended the wait: {line[:400]!r}")

    def end(self, report, what):
        self.running.type_in(self.server.authorize(self.event["url"]).encode() + b"\n")
        result = self.running.finish()
        report.judge(result, what, {0})
        if b"FORGED" in result.out + result.err:
            report.problem("wrong", f"{what}: a forged code was printed: {result.said()}")
        if len(self.server.asked("/token")) != 1:
            report.problem("wrong", f"{what}: {len(self.server.asked('/token'))} token requests")
        self.server.close()


def other_state(chance, state):
    """A state that is still another one when what nobody sees is taken off it."""
    found = wrong_state(chance, state) or "x"
    return "x" if re.sub("[\\s\u200b\ufeff\\\\]", "", found) == state else found


def run(case, lab):
    _, seed, first, count = case
    report = Report("pastes")
    waiting = [Waiting(lab) for _ in range(SIDE_BY_SIDE)]
    for start in range(first, first + count, SIDE_BY_SIDE):
        numbers = range(start, min(start + SIDE_BY_SIDE, first + count))
        lines = [one.offer(report, random.Random(f"{seed}/pastes/{number}")) for one, number in zip(waiting, numbers)]
        # What comes without a pause is one paste.
        time.sleep(PAUSE)
        for one, number, line in zip(waiting, numbers, lines):
            one.check(report, f"pastes {number}", line)
    for one in waiting:
        with one.home:
            one.end(report, f"pastes {first} to {first + count - 1}")
    return report
