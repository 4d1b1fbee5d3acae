"""Private addresses, in their many forms, in every place of a hostile server's answers where a URL stands.

The server is a public one, so none of them may be asked or opened: the canary of the network must not see a connection.
"""

import ipaddress
import random
from urllib.parse import urlsplit

from lab import LOGIN, Home, Report, visit
from network import NAMES, PORT, PUBLIC, is_private
from server import RESOURCE_METADATA, SERVER_METADATA, Server, answer

V4 = (
    "127.0.0.1", "127.8.9.1", "10.9.9.9", "10.0.0.1", "192.168.1.1", "172.16.5.5", "172.31.255.1", "169.254.169.254",
    "100.64.1.1", "100.127.0.9", "0.0.0.0", "0.1.2.3", "198.18.0.1", "192.0.0.8", "192.0.2.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255"
)
V6 = (
    "::1", "::", "fc00::1", "fd12::1", "fe80::1", "fe80::a:b", "febf::1", "fec0::1", "ff02::1", "2001::1",
    "2001:db8::1", "100::1", "0:0:0:0:0:0:0:1", "::FFFF:0:0", "fd00:ec2::254", "64:ff9b:1::a09:909"
)
LOCAL = (
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.localhost.", "LocalHost.", "ip6-localhost.localhost"
)

PLACES = (
    "authorization_servers", "resource_metadata", "issuer", "authorization_endpoint", "token_endpoint",
    "registration_endpoint", "revocation_endpoint", "at the resource metadata", "at the server metadata",
    "at the registration", "at the token", "at the probe"
)

BATCH = 10


def forms(text):
    """The ways in which an IPv4 address can be written in a URL."""
    a, b, c, d = (int(part) for part in text.split("."))
    number = int(ipaddress.ip_address(text))
    last = b << 16 | c << 8 | d
    high, low = f"{a << 8 | b:x}", f"{c << 8 | d:x}"
    wide = "".join(chr(0xFF10 + int(it)) if it.isdigit() else "\u3002" for it in text)
    return (
        text, f"{text}.", str(number), f"{number}.", f"0x{number:x}", f"0X{number:08X}", f"0{number:o}", f"{a}.{last}",
        f"{a}.{b}.{c << 8 | d}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        f"0x{a:x}.{b}.0{c:o}.{d}", f"000{a:o}.{b}.{c}.{d}", f"{text}:443", f"{text}:0443", f"{text}:80", f"{text}:8443",
        f"user@{text}", f"{PUBLIC}@{text}", f"%{ord(text[0]):x}{text[1:]}", wide, f"[::ffff:{text}]",
        f"[::ffff:{high}:{low}]", f"[0:0:0:0:0:FFFF:{high}:{low}]", f"[::{text}]", f"[::{high}:{low}]",
        f"[64:ff9b::{text}]", f"[64:ff9b::{high}:{low}]", f"[2002:{high}:{low}::1]", f"[2001:0:{high}:{low}::1]",
        f"[::ffff:0:{text}]", f"[fe80::5efe:{text}]", f"[2001:db8::{text}]", f"{text}.xip.test", f"{a}.{b}.{c}.{d}%2e",
    )


def hosts():
    """Every host that must not be asked."""
    found = [form for text in V4 for form in forms(text)]
    found += [
        form for text in V6
        for form in (f"[{text}]", f"[{text}]:443", f"[{text}%25lo]", f"[{ipaddress.ip_address(text).exploded}]")
    ]
    found += [f"{name}{port}" for name in LOCAL for port in ("", ":443", ":80")]
    private = [name for name in NAMES if not name.startswith(("mcp.", "mixed"))]
    return found + [form for name in private for form in (name, name.upper(), f"{name}.", f"{name}:8443", f"{name}:80")]


def plan(seed, scale):
    chance = random.Random(f"{seed}/addresses")
    typed = ["mcp.attacker.test"] * 5 + [PUBLIC] * 5 + [name for name in NAMES if name.startswith("mixed")]
    everything = [(host, place) for host in hosts() for place in PLACES]
    chosen = chance.sample(everything, round(2_400 * scale))
    cases = [(host, place, chance.choice(typed), chance.choice(("https", "https", "https", "http")))
             for host, place in chosen]
    return [("addresses", cases[first:first + BATCH]) for first in range(0, len(cases), BATCH)]


def run(case, lab):
    report = Report("addresses")
    if lab.network:
        for host, place, typed, scheme in case[1]:
            trial(report, lab, f"{scheme}://{host}", place, typed)
    return report


def deviation(url, place):
    """The one answer that names the address."""
    def deviate(request, server):
        path = request.path
        if place == "resource_metadata" and path == "/mcp":
            return answer(401, b"", headers=[("WWW-Authenticate", f'Bearer resource_metadata="{url}/x"')])
        if place == "authorization_servers" and path == RESOURCE_METADATA:
            return answer(200, {**server.resource_metadata(), "authorization_servers": [url]})
        if path == SERVER_METADATA and place.endswith(("issuer", "endpoint")):
            return answer(200, {**server.server_metadata(), place: url if place == "issuer" else f"{url}/there"})
        where = {
            "at the resource metadata": RESOURCE_METADATA, "at the server metadata": SERVER_METADATA,
            "at the registration": "/register", "at the token": "/token", "at the probe": "/mcp"
        }.get(place)
        if path == where:
            return answer(307 if request.method == "POST" else 302, b"", headers=[("Location", f"{url}{path}")])
        return None

    return deviate


def trial(report, lab, url, place, typed):
    what = f"{url} {place}, typed {typed}"
    network = lab.network
    network.taken()
    with Server(deviation(url, place), network.tls, (PUBLIC, PORT), typed) as server, Home(lab) as home:
        running = home.start(*LOGIN, "--ca-file", network.certificate, server.mcp)
        event = running.event("authorization_url", "error", "logged_in")
        if event and event["event"] == "authorization_url":
            # A name is the browser's to look up; an address is not opened.
            if is_private(urlsplit(event["url"]).hostname, loopback_too=True):
                report.problem("wrong", f"{what}: the browser would get {event['url'][:200]}")
            target = server.authorize(event["url"])
            if target:
                visit(target)
            else:
                running.end()
        result = running.finish()
        report.judge(result, what, {0, 1, 2, 3, 4, 5, 6, 7, 9, -15})
        if result.code == 0:
            # What was stored is used: the revocation endpoint too.
            gone = home.run("logout", "--store", "file", "--ca-file", network.certificate, server.mcp)
            report.judge(gone, f"{what}: logout")
        for address in sorted(set(network.taken(loopback_too=True))):
            report.problem("wrong", f"{what}: a connection to {address}")
        report.tried += 1
