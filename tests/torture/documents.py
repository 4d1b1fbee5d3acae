"""Hostile bytes for every answer of a server: JSON bent in its structure, URLs with tricks, HTTP that is none."""

import gzip
import json

# Text that a terminal, a shell, a page or a parser may take for more than text.
TEXTS = (
    "", " ", "\x00", "\x1b[2J\x1b[31m", "\x1b]52;c;aGk=\x07", "\x1b]8;;http://e.example\x07x\x1b]8;;\x07", "\x9b31m",
    "\x90q\x9c", "\u202eevil\u202c", "\u2066x\u2069", "\u200b", "\ufeff", "a\rb", "a\nb", "a\tb", "\x7f", "\x85",
    "\x08\x08\x08", "\U0001f600", "\u0430pple", "${HOME}", "$(id)", "`id`", "a;b|c&d", "'\"\\",
    "<script>alert(1)</script>", "%s%n%x", "../../etc/passwd", "A" * 300, "A" * 70_000, "\x1b[" + "9" * 5_000,
    "\x1bP" + "x" * 2_000, "=cmd|' /C calc'!A0", "-rf", "--help", "null", "true",
)

# Values of other types than were meant.
VALUES = (
    None, True, False, 0, 1, -1, 7.5, 10**30, -10**30, 2**53, 2**63, 2**64, [], {}, [[]], [None], [1, 2], ["a", ["b"]],
    {"a": 1}, [{}], ["DPoP"], {"x": "DPoP"}, ["S256"], "s256", "plain", ["plain"], ["S256", 1], ["code"] * 2_000,
    "code", ["none"], ["private_key_jwt"],
)

# Numbers at and beyond the ends of what a time, a lifetime or a type of a language may hold.
NUMBERS = (
    0, 1, -1, 59, 60, 61, 0.5, -0.0, 3600.5, 1e300, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1,
    2**64, -2**63, 10**30, 253_402_300_799, 253_402_300_800, 1_764_259_200_000, 1_764_259_200_000_000, -62_135_596_800,
    -62_135_596_801, 8_640_000_000_001, 8_210_266_876_799, 315_360_001, "3600", "-1", "1e9", "0x10", "3600s", " 60 "
)

# What stands for a number or a value in the text itself, since no value of Python's is written so.
LITERALS = (
    "1e999", "-1e999", "1e-999", "NaN", "Infinity", "01", "+1", "0x10", "1.", ".5", "'single'", "undefined",
    "\"\\ud800\"", "\"\\u0000\"", "\"\x01\"", "\"\\x41\"", "{\"a\":1,\"a\":2}", "[1,]", "{,}", "\"unterminated",
    "9" * 400, "-" + "9" * 400, "1e400", "\"" + "\\\\" * 9_000 + "\"", "[" * 200 + "]" * 200, "[" * 20_000,
    "{\"a\":" * 5_000, "/*c*/1", "1//c", "\ufeff1", "true false",
)


def urls(server):
    """URLs with tricks, none of which may be asked or opened, but for those of the server itself."""
    host = server.origin.split("://")[1]
    port = host.rsplit(":", 1)[1]
    return (
        "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://127.0.0.1/", f"ws://{host}/",
        "ms-msdt:/id", "vbscript:x", "//127.0.0.1/", "/authorize", "authorize", "", " ", "http:", "http://", "https://",
        "http:///", f"http:/{host}/", f"http:{host}/", f"http://user@{host}/", f"http://user:pw@{host}/",
        f"http://{host}@evil.example/", f"http://{host}\\@evil.example/", f"http://evil.example\\{host}/",
        f"http://{host}#@evil.example/", f"http://{host}/#f", f"http://{host}/a b", f"http://{host}/\ta",
        f"http://{host}/\na", f" http://{host}/", f"http://{host}/\x00", f"http://{host}/\x1b[2J",
        f"http://{host}/\u202e", f"HTTP://{host}/authorize", f"http://{host}/authorize?state=mine",
        f"http://{host}/authorize?redirect_uri=x", f"http://{host}/a?st%61te=1",
        f"http://{host}/authorize?client_id=x&resource=y", f"http://{host}/$(id)", f"http://{host}/`id`",
        f"http://{host}/;id|id&id", f"http://{host}/'\"<>", f"http://{host}/%", f"http://{host}/%zz",
        f"http://{host}/%00", f"http://{host}/..%2f..%2f", f"http://{host}/" + "a" * 17_000,
        f"http://127.0.0.1:0/{port}", "http://127.0.0.1:65536/", "http://127.0.0.1:-1/",
        "http://127.0.0.1:99999999999/", "http://127.0.0.1:/", "http://evil.example/",
        "http://evil.example:80/authorize", "https://\u0435vil.example/", "https://xn--/", "https://a..b/",
        "https://.a/", "https://" + "a" * 300 + ".example/", "https://[::1/", "https://[::1%25lo]/", "https://[v1.a]/",
        "https://1.2.3/", "https://1.2.3.4.5/", "https://256.1.1.1/", "https://$(id).example/", "https://a'b.example/",
        "https://a%2eb.example/", "https://a,b/", "https://{a}/", "http://10.0.0.1/", "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://0.0.0.0/", "http://0/", "http://[::]/",
        "https://224.0.0.1/", "https://255.255.255.255/", "https://metadata.google.internal/", "https://x.local/",
        "urn:ietf:wg:oauth:2.0:oob", "com.example:/cb", "mailto:a@b", "blob:http://a/b", "http+unix://x/",
        "\\\\host\\share", "C:\\x", "about:blank",
    )


def mutate(document, chance, server):
    """A document whose structure is bent in one place, as the bytes of its JSON."""
    document = json.loads(json.dumps(document))
    # Numbers are few, and most of what can be wrong with them is a question of their size.
    names = [name for name, value in document.items() for _ in range(4 if isinstance(value, int) else 1)]
    name = chance.choice(names)
    how = chance.randrange(12)
    if isinstance(document[name], int) and how < 9:
        document[name] = chance.choice(NUMBERS)
    elif how == 0:
        del document[name]
    elif how <= 2:
        document[name] = chance.choice(VALUES)
    elif how <= 4:
        document[name] = chance.choice(TEXTS)
    elif how <= 6:
        document[name] = chance.choice(urls(server))
    elif how == 7:
        document[name] = [chance.choice(TEXTS) for _ in range(chance.choice((1, 3, 200)))]
    elif how == 8:
        other = {name: chance.choice((*VALUES, *TEXTS))}
        # The name twice, in either order.
        pair = [json.dumps(document)[1:-1], json.dumps(other)[1:-1]]
        return ("{" + ",".join(pair if chance.random() < 0.5 else pair[::-1]) + "}").encode()
    elif how == 9:
        document[chance.choice((name.upper(), name + "\x00", " " + name, "__proto__", chance.choice(TEXTS)))
                 ] = chance.choice(VALUES)
    elif how == 10:
        for number in range(chance.choice((5, 3_000))):
            document[f"{name}{number}"] = chance.choice(VALUES)
    else:
        mark = "\"MARK\""
        document[name] = "MARK"
        return json.dumps(document).replace(mark, chance.choice(LITERALS)).encode("utf-8", "surrogatepass")
    return json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def mangle(body, chance):
    """Bytes that are not what they were: cut, turned over, in another encoding, of another kind."""
    how = chance.randrange(14)
    place = chance.randrange(len(body) + 1)
    if how == 0:
        return body[:place]
    if how == 1:
        return body[:place] + bytes([chance.randrange(256)]) + body[place + 1:]
    if how == 2:
        return body + chance.choice((b"\x00", b"}", b"garbage", b"{}", b"\n\n", b" " * 900_000))
    if how == 3:
        return chance.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\n" * 50_000)) + body
    if how == 4:
        return body.decode("utf-8", "replace").encode(chance.choice(("utf-16", "utf-16-be", "utf-32", "utf-7")))
    if how == 5:
        return chance.choice((b"", b"null", b"[]", b"{}", b"0", b"\"a\"", b"true", b"[[[[", b"{\"\":{}}"))
    if how == 6:
        return b"[" * chance.choice((1_000, 200_000)) + body
    if how == 7:
        return b"<html><script>alert(1)</script>" + b"\x1b[2J" + b"</html>"
    if how == 8:
        return bytes(chance.randrange(256) for _ in range(chance.choice((1, 64, 4_000))))
    if how == 9:
        return b"{\"a\":\"" + b"A" * chance.choice((100_000, 3_000_000)) + b"\"}"
    if how == 10:
        return body.replace(b"\"", b"'")
    if how == 11:
        return gzip.compress(body)
    if how == 12:
        return body.replace(b":", b"=", 1)
    return body.replace(b",", b",,", 1) if b"," in body else body + b","


def protocol(status, body, chance, server):
    """A response whose HTTP has a trick in it, in pieces."""
    length = b"Content-Length: %d\r\n" % len(body)
    line = b"HTTP/1.1 %d X\r\n" % status
    kind = b"Content-Type: application/json\r\n"
    chunk = b"%x\r\n%s\r\n" % (len(body), body)
    chunked = b"Transfer-Encoding: chunked\r\n"
    target = chance.choice(urls(server)).encode("utf-8", "surrogatepass")
    return chance.choice(
        ([body], [b"HTTP/0.9 200\r\n\r\n" + body], [b"HTTP/2.0 200 OK\r\n" + length + b"\r\n" + body],
         [b"HTTP/1.1 abc\r\n\r\n" + body], [b"HTTP/1.1 99 X\r\n" + length + b"\r\n" + body
                                            ], [b"HTTP/1.1 1000 X\r\n" + length + b"\r\n" + body],
         [b"HTTP/1.1 -1 X\r\n\r\n"], [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
                                      ], [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], [b"SSH-2.0-x\r\n"], [b"\x00" * 5_000],
         [b""], [line + kind + b"Content-Length: 5\r\nContent-Length: 900\r\n\r\n" + body
                 ], [line + kind + b"Content-Length: -5\r\n\r\n" + body
                     ], [line + kind + b"Content-Length: 99999999999999999999\r\n\r\n" + body
                         ], [line + kind + b"Content-Length: 0x10\r\n\r\n" + body
                             ], [line + kind + b"Content-Length: %d\r\n\r\n" % (len(body) + 50) + body
                                 ], [line + kind + b"Content-Length: %d\r\n\r\n" % (len(body) // 2) + body
                                     ], [line + kind + length + chunked + b"\r\n" + chunk + b"0\r\n\r\n"],
         [line + kind + chunked + b"\r\n" + chunk + b"0\r\n\r\n"], [line + kind + chunked + b"\r\nzz\r\n" + body
                                                                    ], [line + kind + chunked + b"\r\n-1\r\n" + body],
         [line + kind + chunked + b"\r\n" + chunk], [line + kind + chunked + b"\r\nffffffffffffffffff\r\n" + body], [
             line + kind + chunked + b"\r\n" + b"1;" + b"x" * 70_000 + b"\r\na\r\n0\r\n\r\n"
         ], [line + kind + chunked + b"\r\n" + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\nX: y\r\n\r\n"
             ], [line + kind + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk + b"0\r\n\r\n"
                 ], [line + kind + b"Content-Encoding: gzip\r\n" + length + b"\r\n" + body
                     ], [line + kind + b"Content-Encoding: br\r\n" + length + b"\r\n" + body
                         ], [line + b"A: " + b"b" * 70_000 + b"\r\n" + length + b"\r\n" + body
                             ], [line + b"A: b\r\n" * 3_000 + length + b"\r\n" + body
                                 ], [line + b"A\x00: b\r\n" + length + b"\r\n" + body],
         [line + b": b\r\n" + length + b"\r\n" + body], [line + b"A: b\r\n c\r\n" + length + b"\r\n" + body], [
             line.replace(b"\r", b"") + length.replace(b"\r", b"") + b"\n" + body
         ], [line + b"A: \x1b[2J\r\n" + length + b"\r\n" + body
             ], [b"HTTP/1.1 100 Continue\r\n\r\n" * chance.choice((1, 500)) + line + kind + length + b"\r\n" + body
                 ], [b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n" + body], [b"HTTP/1.1 204 X\r\n" + length + b"\r\n" + body],
         [b"HTTP/1.1 304 X\r\n\r\n"], [b"HTTP/1.1 205 X\r\n" + length + b"\r\n" + body], [
             b"HTTP/1.1 %d X\r\nLocation: " % chance.choice((300, 301, 302, 303, 307, 308)) + target +
             b"\r\nContent-Length: 0\r\n\r\n"
         ], [b"HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n"
             ], [line + b"Content-Type: text/html\r\n" + length + b"\r\n" + body
                 ], [line + b"Content-Type: application/json; charset=utf-7\r\n" + length + b"\r\n" + body
                     ], [line + b"Content-Type: \x1b]0;x\x07\r\n" + length + b"\r\n" + body
                         ], [line + kind + b"Set-Cookie: " + b"a=b; " * 2_000 + b"\r\n" + length + b"\r\n" + body
                             ], [line + kind + b"Connection: close, keep-alive\r\n" + length + b"\r\n" + body],
         [line + kind + b"Cache-Control: max-age=99999999999999999999\r\nETag: \x01\r\n" + length + b"\r\n" + body
          ], [b"HTTP/1.1 200 " + b"\x1b[31m" * 40 + b"\r\n" + length + b"\r\n" + body
              ], [b"HTTP/1.1  200  X\r\n" + length + b"\r\n" + body], [b"HTTP/1.1 200 X\r\n" + b"x" * 200_000], [
                  b"\r\n\r\n" + line + length + b"\r\n" + body
              ], [line + kind + length + b"\r\n" + body + b"HTTP/1.1 200 X\r\n\r\nmore"],
         )
    )


# Status codes for any answer; those that ask for patience make a run wait.
STATUSES = (
    200, 201, 202, 203, 206, 226, 300, 305, 306, 400, 402, 403, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 417,
    418, 421, 422, 426, 428, 431, 444, 451, 494, 499, 501, 505, 506, 510, 511, 520, 530, 598, 599, 600, 777, 999
)
BUSY = (408, 425, 429, 500, 502, 503, 504)
