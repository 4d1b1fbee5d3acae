"""Many callers at once: each expiry is one refresh, no token is spent twice, and every caller gets a live one."""

import json
import random
import signal
import threading
import time

from lab import LOGIN, Home, Report, agree, login_to, other_login
from server import Server

# How many callers at once, how often, and how: 64 over expiries as in the review, and three times as often.
ROUNDS = (("expiry", 64, 32), ("slow endpoint", 64, 3), ("--refresh", 16, 6), ("killed callers", 16, 30),
          ("two profiles", 16, 4), ("logout and login between", 8, 12))


def plan(seed, scale):
    # At least one of each, so that a short run tries all.
    return [("callers", seed, how, count, number) for how, count, rounds in ROUNDS
            for number in range(max(1, round(rounds * scale)))]


def run(case, lab):
    _, seed, how, count, number = case
    report = Report("callers")
    chance = random.Random(f"{seed}/callers/{how}/{number}")
    what = f"{how}, round {number}"
    with Server() as server, Home(lab) as home:
        home.put(login_to(server, tokens=server.family()), other_login())
        server.slow = {"slow endpoint": 3.0, "--refresh": 1.0}.get(how, 0.02)
        words = {"--refresh": ["--refresh"]}.get(how, [])
        if how == "two profiles":
            two_profiles(report, what, home, server, count)
        elif how == "killed callers":
            killed(report, what, home, server, count, chance)
        elif how == "logout and login between":
            between(report, what, home, server, count)
        else:
            results = together(home, server, count, *words)
            judge(report, what, server, results, refreshes=1)
        report.tried += count
        ends(report, what, home, server)
    return report


def together(home, server, count, *words):
    """Starts all of them, and waits for each."""
    running = [home.start("token", "--store", "file", *words, server.mcp, limit=40) for _ in range(count)]
    return [one.finish() for one in running]


def judge(report, what, server, results, refreshes=None):
    for result in results:
        report.judge(result, what, {0}, secrets_on_stdout=True)
        if result.code == 0 and not server.live(result.out.decode().strip()):
            report.problem("wrong", f"{what}: exit 0 without a live token; {result.said()}")
    if refreshes is not None and server.refreshes != refreshes:
        report.problem("owners", f"{what}: {server.refreshes} refreshes in place of {refreshes}")


def two_profiles(report, what, home, server, count):
    """Two accounts on one server do not wait for, or disturb, each other."""
    one, two = login_to(server, tokens=server.family()), login_to(server, tokens=server.family(), profile="work")
    home.put(one, other_login())
    text = home.text().replace("{\n", '{\n"' + server.mcp + '#work": ' + json.dumps(two) + ",\n", 1)
    with open(home.file, "w") as file:
        file.write(text)
    running = [
        home.start("token", "--store", "file", *(["--profile", "work"] if turn % 2 else []), server.mcp)
        for turn in range(count)
    ]
    judge(report, what, server, [one.finish() for one in running], refreshes=2)


def killed(report, what, home, server, count, chance):
    """Half of the callers are killed, each at a moment of its own; the others get their token all the same."""
    running = [home.start("token", "--store", "file", server.mcp) for _ in range(count)]
    victims = running[::2]
    chance.shuffle(victims)
    for victim in victims:
        time.sleep(chance.random() * 0.01)
        victim.end(signal.SIGKILL)
    for victim in victims:
        result = victim.finish()
        if result.code not in (0, -9):
            report.problem("wrong", f"{what}: a killed caller: {result.code}")
    judge(report, what, server, [one.finish() for one in running if one not in victims])
    if server.refreshes > 1:
        report.problem("owners", f"{what}: {server.refreshes} refreshes")


def between(report, what, home, server, count):
    """While callers ask, the login is forgotten and made anew: each gets a live token, or is told to log in."""
    def turn():
        gone = home.run("logout", "--store", "file", server.mcp)
        report.judge(gone, f"{what}: logout", {0})
        login = home.start(*LOGIN, server.mcp)
        agree(login, server)
        report.judge(login.finish(), f"{what}: login", {0})

    thread = threading.Thread(target=turn)
    running = [home.start("token", "--store", "file", server.mcp) for _ in range(count // 2)]
    thread.start()
    running += [home.start("token", "--store", "file", server.mcp) for _ in range(count - count // 2)]
    for result in [one.finish() for one in running]:
        report.judge(result, what, {0, 3}, secrets_on_stdout=True)
    thread.join()


def ends(report, what, home, server):
    """At the end no token was spent twice, the store is whole, and what it holds is good."""
    if server.reused:
        report.problem("owners", f"{what}: a refresh token was spent twice")
    try:
        kept = home.logins()[server.mcp]["refresh_token"]
    except (ValueError, KeyError) as error:
        report.problem("damaged", f"{what}: {error!r}: {home.text()!r}")
        return
    if not server.good(kept):
        report.problem("damaged", f"{what}: the refresh token that is kept is no good")
    again = home.run("token", "--store", "file", "--refresh", server.mcp)
    if again.code != 0 or server.reused:
        report.problem("wrong", f"{what}: the next refresh fails: {again.code} {again.said()}")
