"""The table of what an attacker may put on one connection: rows F, L, P and H of the reliability checklist.

Made twice: as sent by a person, and as sent by a crawler that pays for every
fetch, so that "nothing was charged" is a thing that can go wrong. A *person's*
odd path is forwarded octet for octet; a crawler's is refused where a right or
a price hangs on it.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass

HOST = b"Host: a.example\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
#: What a second reader could take for a request.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"
ANY = frozenset(range(400, 600))
VERSION = frozenset({400, 505})
LARGE = frozenset({400, 414, 431})


@dataclass(frozen=True)
class Row:
    """One case.

    *outcome*: ``reject``, an answer of ours that ends the connection, and nothing
    at the origin; ``refused``, the same for a request that can be read, so that the
    connection may live on; ``pass``, exactly the requests *saw* at the origin,
    each answered; ``either``, rejected or passed; ``broken``, a refusal after which the origin may hold a part of a
    request and never a whole one. *saw* holds request lines and bodies, *never*
    what may not be on the origin's socket at all, *codes* the status of a refusal.
    """

    id: str
    case: str
    octets: bytes
    outcome: str
    codes: frozenset[int] = ANY
    saw: tuple[tuple[bytes, bytes], ...] = ()
    never: tuple[bytes, ...] = ()


class _Table:
    """Collects rows of one sender, who says *who* in every request."""

    def __init__(self, who: bytes, *, crawler: bool) -> None:
        self.rows: list[Row] = []
        self.who = who
        self.crawler = crawler

    def request(self, first: bytes, *fields: bytes, body: bytes = b"", close: bool = True) -> bytes:
        lines = b"".join(field + b"\r\n" for field in fields)
        end = b"Connection: close\r\n" if close else b""
        return first + b"\r\n" + HOST + self.who + end + lines + b"\r\n" + body

    def post(self, *fields: bytes, body: bytes = b"", version: bytes = b"1.1", close: bool = True) -> bytes:
        return self.request(b"POST /x HTTP/" + version, *fields, body=body, close=close)

    def get(self, *fields: bytes, target: bytes = b"/x", close: bool = True) -> bytes:
        return self.request(b"GET " + target + b" HTTP/1.1", *fields, close=close)

    def to(self, host: bytes) -> bytes:
        head = b"GET /x HTTP/1.1\r\nHost: " + host + b"\r\n"
        return head + self.who + b"Connection: close\r\n\r\n"

    def reject(self, id: str, case: str, octets: bytes, codes: frozenset[int] = frozenset({400})) -> None:
        # It must be we who close: the client says nothing of it.
        self.rows.append(Row(id, case, octets.replace(b"Connection: close\r\n", b""), "reject", codes))

    def refused(self, id: str, case: str, octets: bytes, codes: frozenset[int]) -> None:
        self.rows.append(Row(id, case, octets, "refused", codes))

    def broken(self, id: str, case: str, chunks: bytes) -> None:
        octets = self.post(CHUNKED, body=chunks, close=False)
        self.rows.append(Row(id, case, octets, "broken", frozenset({400})))

    def add(
        self,
        id: str,
        case: str,
        octets: bytes,
        *saw: tuple[bytes, bytes],
        outcome: str = "pass",
        codes: frozenset[int] = ANY,
        never: tuple[bytes, ...] = (),
    ) -> None:
        self.rows.append(Row(id, case, octets, outcome, codes, saw, never))


POST = b"POST /x HTTP/1.1"
GET = b"GET /x HTTP/1.1"
#: Of a request that a body was cut off, or of one that never had any.
PLAIN = (GET, b"")
POSTED = (POST, b"hello")


def _framing(t: _Table) -> None:
    for id, case, fields, body in (
        ("F01", "Content-Length, then Transfer-Encoding", (b"Content-Length: 5", CHUNKED), HELLO),
        ("F02", "Transfer-Encoding, then Content-Length", (CHUNKED, b"Content-Length: 5"), HELLO),
        ("F03", "two lengths", (b"Content-Length: 5", b"Content-Length: 6"), b"hello!"),
        ("F04", "the same length twice", (b"Content-Length: 5", b"Content-Length: 5"), b"hello"),
        ("F05", "a list of lengths", (b"Content-Length: 5, 5",), b"hello"),
        ("F06", "a signed length", (b"Content-Length: +5",), b"hello"),
        ("F07", "a negative length", (b"Content-Length: -1",), b"hello"),
        ("F08", "a hexadecimal length", (b"Content-Length: 0x5",), b"hello"),
        ("F09", "a length with an underscore", (b"Content-Length: 5_0",), b"hello"),
        ("F10", "a length and something after a tab", (b"Content-Length: 5 \tjunk",), b"hello"),
        ("F11", "an empty length", (b"Content-Length: ",), b"hello"),
        ("F12", "a length beyond 64 bits", (b"Content-Length: 18446744073709551621",), b"hello"),
        ("F13", "a digit of another script", ("Content-Length: \u0665".encode(),), b"hello"),
        ("F14", "an unknown coding", (b"Transfer-Encoding: xchunked",), HELLO),
        ("F15", "chunked, then identity", (b"Transfer-Encoding: chunked, identity",), HELLO),
        ("F16", "identity", (b"Transfer-Encoding: identity",), HELLO),
        ("F17", "gzip, then chunked", (b"Transfer-Encoding: gzip, chunked",), HELLO),
        ("F18", "chunked twice in one line", (b"Transfer-Encoding: chunked, chunked",), HELLO),
        ("F19", "two lines of codings", (CHUNKED, b"Transfer-Encoding: x"), HELLO),
        ("F21", "a tab before the colon", (b"Transfer-Encoding\t: chunked",), HELLO),
        ("F22", "a space before the colon", (b"Content-Length : 5",), b"hello"),
        ("F23", "a vertical tab before the coding", (b"Transfer-Encoding: \x0bchunked",), HELLO),
        ("F24", "a quoted coding", (b'Transfer-Encoding: "chunked"',), HELLO),
        ("F26", "a folded coding", (b"Transfer-Encoding:\r\n chunked",), HELLO),
        ("F27", "a folded header", (b"X: a\r\n b",), b""),
        ("F28", "a coding behind a bare CR", (b"X: a\rTransfer-Encoding: chunked",), HELLO),
        ("F29", "a coding behind a bare LF", (b"X: a\nTransfer-Encoding: chunked",), HELLO),
        ("F31", "NUL in a value", (b"X: a\0b",), b""),
        ("F32", "another control in a value", (b"X: a\x01b",), b""),
        ("F33", "NUL in a name", (b"X\0Y: a",), b""),
        ("F34", "brackets in a name", (b"X(Y): a",), b""),
        ("F35", "an empty name", (b": a",), b""),
        ("F36", "a line without a colon", (b"nothing at all",), b""),
    ):
        t.reject(id, case, t.post(*fields, body=body), frozenset({400, 501}))
    t.add("F20", "Chunked in upper case", t.post(b"Transfer-Encoding: Chunked", body=HELLO), POSTED)
    t.reject("F25", "a coding in HTTP/1.0", t.post(CHUNKED, body=HELLO, version=b"1.0"))
    t.reject("F30", "nothing but bare LF", t.get().replace(b"\r\n", b"\n"))
    t.reject("F37", "a space before the first header", b"GET /x HTTP/1.1\r\n " + HOST + t.who + b"\r\n")
    t.reject("F57", "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION)


def _chunks(t: _Table) -> None:
    t.broken("F38", "chunk size 0x5", b"0x5\r\nhello\r\n0\r\n\r\n")
    t.broken("F39", "chunk size +5", b"+5\r\nhello\r\n0\r\n\r\n")
    t.broken("F40", "chunk size -1", b"-1\r\nhello\r\n0\r\n\r\n")
    t.broken("F41", "a space before the size", b" 5\r\nhello\r\n0\r\n\r\n")
    t.broken("F42", "a space behind the size", b"5 \r\nhello\r\n0\r\n\r\n")
    t.broken("F43", "a size beyond 64 bits", b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n")
    t.add(
        "F44",
        "forty zeros before the size",
        t.post(CHUNKED, body=b"0" * 40 + HELLO),
        POSTED,
        outcome="either",
    )
    extended = t.post(CHUNKED, body=b"5;a=b\r\nhello\r\n0\r\n\r\n")
    t.add("F45", "a chunk extension", extended, POSTED, outcome="either", never=(b"a=b",))
    t.broken("F46", "a bare LF behind an extension", b"5;a=b\nhello\r\n0\r\n\r\n")
    t.broken("F47", "a bare LF behind the size", b"5\nhello\r\n0\r\n\r\n")
    t.broken("F48", "more octets than the size", b"5\r\nhello!\r\n0\r\n\r\n")
    t.broken("F49", "no line break behind the octets", b"5\r\nhello0\r\n\r\n")
    huge = t.post(CHUNKED, body=b"5;" + b"e=" * 32768 + b"\r\nhello\r\n0\r\n\r\n")
    t.add("F50", "64 KiB of an extension", huge, POSTED, outcome="either", never=(b"e=e=",))
    trailed = t.post(CHUNKED, body=b"5\r\nhello\r\n0\r\nX-Auth-Bypass: 1\r\n\r\n")
    t.add("F51", "a header in the trailer", trailed, POSTED, outcome="either", never=(b"Bypass", b"bypass"))
    malformed = t.post(CHUNKED, body=b"5\r\nhello\r\n0\r\nSMUG\r\n\r\n")
    t.add("F52", "a trailer that is none", malformed, POSTED, outcome="either", never=(b"SMUG",))


def _queues(t: _Table) -> None:
    five = b"Content-Length: 5"
    with_body = t.request(GET, five, body=b"hello", close=False) + t.get(target=b"/y")
    t.add(
        "F53",
        "a GET with a body and a request behind it",
        with_body,
        (GET, b"hello"),
        (b"GET /y HTTP/1.1", b""),
    )
    t.add(
        "F54",
        "a body that looks like a request",
        t.post(b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED),
        (POST, SMUGGLED),
    )
    upgrade = t.post(b"Upgrade: websocket", b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED)
    t.reject("F55", "an upgrade with a body that looks like a request", upgrade)
    h2c = (b"Connection: upgrade, http2-settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
    t.add("F56", "an upgrade to HTTP/2", t.get(*h2c), PLAIN, never=(b"h2c", b"AAMAAABk"))
    mixed = t.get(b"Connection: upgrade", b"Upgrade: h2c, websocket")
    t.add("F56b", "an upgrade to HTTP/2 or else", mixed, PLAIN, never=(b"h2c",))
    t.add(
        "F58",
        "two requests at once",
        t.get(close=False) + t.get(target=b"/y"),
        PLAIN,
        (b"GET /y HTTP/1.1", b""),
    )
    queue = b"".join(t.get(target=b"/%d" % n, close=n == 199) for n in range(200))
    t.add("F59", "200 requests at once", queue, *((b"GET /%d HTTP/1.1" % n, b"") for n in range(200)))
    expects = b"Expect: 100-continue"
    t.add("F60", "Expect with a body", t.post(expects, five, body=b"hello"), POSTED)
    t.reject(
        "F61", "Expect and more", t.post(b"Expect: 100-continue, x", five, body=b"hello"), frozenset({417})
    )
    odd = t.post(b"Expect: \xc3\xa9", five, body=b"hello")
    t.reject("F61b", "Expect outside ASCII", odd, frozenset({400, 417}))
    t.add("F62", "Expect without a body", t.get(expects), PLAIN)
    t.add("F63", "empty lines before a request", b"\r\n\r\n" + t.get(), PLAIN)
    extra = t.post(five, body=b"hello", close=False) + b"garbage garbage\r\n\r\n"
    t.add("F64", "octets behind the body that are no request", extra, POSTED)


def _lines(t: _Table) -> None:
    bare = b"Connection: close\r\n" + t.who + b"\r\n"
    t.reject("L01", "no Host", b"GET /x HTTP/1.1\r\n" + bare)
    t.reject("L02", "two Hosts", t.get(b"Host: b.example"))
    t.reject("L03", "the same Host twice", t.get(b"Host: a.example"))
    t.reject("L04", "an empty Host", t.to(b""))
    t.reject("L05", "a list of Hosts", t.to(b"a.example,b.example"))
    t.reject("L06", "a user in the Host", t.to(b"user@a.example"))
    t.reject("L07", "a path in the Host", t.to(b"a.example/x"))
    t.reject("L08", "a port that is none", t.to(b"a.example:99999999"))
    t.reject("L08b", "an empty port", t.to(b"a.example:"))
    t.reject("L09", "a space in the Host", t.to(b"a example"))
    t.add("L10", "upper case and a trailing dot", t.to(b"A.Example."), PLAIN)
    t.reject("L11", "an address and another port", t.to(b"127.0.0.1:8403"), frozenset({421}))
    t.add("L12", "absolute form of the same host", t.get(target=b"http://a.example/x"), PLAIN)
    t.reject("L13", "absolute form of another host", t.get(target=b"http://evil.example/x"), frozenset({421}))
    t.reject("L13b", "absolute form with a user", t.get(target=b"http://a.example@evil.example/x"))
    t.reject("L14", "a metadata address", t.get(target=b"http://169.254.169.254/latest"), frozenset({421}))
    t.reject("L15", "a file", t.get(target=b"file:///etc/passwd"))
    t.reject("L16", "CONNECT", t.request(b"CONNECT evil.example:443 HTTP/1.1"), frozenset({400, 405}))
    t.reject("L17", "TRACE", t.request(b"TRACE /x HTTP/1.1"), frozenset({405}))
    everything = (b"OPTIONS * HTTP/1.1", b"")
    t.add("L18", "OPTIONS of everything", t.request(b"OPTIONS * HTTP/1.1"), everything, outcome="either")
    t.reject("L19", "GET of everything", t.get(target=b"*"))
    t.reject("L20", "a target without a slash", t.get(target=b"x"))
    t.reject("L21", "a target that is a user's host", t.get(target=b"@evil.example"))
    odd = t.refused if t.crawler else t.add
    seen = (frozenset({400, 403}),) if t.crawler else ((b"GET //evil.example/x HTTP/1.1", b""),)
    odd("L22", "a host behind two slashes", t.get(target=b"//evil.example/x"), *seen)
    t.reject("L23", "a space in the target", t.get(target=b"/a b"))
    t.reject("L24", "tabs between the parts", t.request(b"GET\t/x\tHTTP/1.1"))
    t.reject("L25", "HTTP/0.9", t.request(b"GET /x HTTP/0.9"), VERSION)
    t.reject("L26", "HTTP/1.2", t.request(b"GET /x HTTP/1.2"), VERSION)
    t.reject("L27", "HTTP/2.0", t.request(b"GET /x HTTP/2.0"), VERSION)
    t.reject("L28", "a method in lower case", t.request(b"get /x HTTP/1.1"))
    t.reject("L29", "a method nobody knows", t.request(b"FOO /x HTTP/1.1"), frozenset({400, 405, 501}))
    t.reject("L30", "NUL in the target", t.get(target=b"/x\0y"))
    t.reject("L31", "an octet above 127 in the target", t.get(target=b"/\xff"))
    t.reject("L32", "a fragment", t.get(target=b"/x#frag"))
    seen = (frozenset({400, 403}),) if t.crawler else ((b"GET /%zz HTTP/1.1", b""),)
    odd("L33", "a broken escape", t.get(target=b"/%zz"), *seen)
    t.reject("L34", "64 KiB of a target", t.get(target=b"/" + b"a" * 65536), LARGE)
    t.reject("L35", "1 MiB of a header", t.get(b"X: " + b"a" * (1 << 20)), LARGE)
    t.reject("L36", "10,000 headers", t.get(*(b"X-%d: a" % n for n in range(10_000))), LARGE)
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64
    t.reject("L37", "the hello of TLS", hello)


def _paths(t: _Table) -> None:
    for id, case, target, hidden in (
        ("P01", "dot segments", b"/open/../closed/a", True),
        ("P02", "escaped dot segments", b"/open/%2e%2e/closed/a", True),
        ("P03", "dot segments escaped twice", b"/open/%252e%252e/closed/a", True),
        ("P04", "an escaped slash", b"/closed%2Fa", True),
        ("P04b", "an escaped slash in lower case", b"/closed%2fa", True),
        ("P05", "a backslash", b"/closed\\a", True),
        ("P06", "a semicolon", b"/closed;x=y/a", True),
        ("P06b", "a semicolon behind dots", b"/x/..;/closed/a", True),
        ("P07", "a double slash", b"//closed/a", True),
        ("P07b", "a double slash further on", b"/closed//a", True),
        ("P08", "a single dot", b"/./closed/a", True),
        ("P09", "an overlong slash", b"/closed%c0%afa", True),
        ("P10", "an escaped NUL", b"/closed/a%00", True),
        ("P11", "upper case", b"/CLOSED/a", False),
        ("P12", "fullwidth dots", b"/x/%EF%BC%8E%EF%BC%8E/closed/a", False),
        ("P13", "a trailing dot", b"/closed.", False),
        ("P14", "an escaped letter", b"/clo%73ed/a", True),
    ):
        line = b"GET " + target + b" HTTP/1.1"
        if t.crawler and hidden:
            t.refused(id, case, t.get(target=target), frozenset({400, 403}))
        else:
            t.add(id, case, t.get(target=target), (line, b""))


def _headers(t: _Table) -> None:
    for id, field, secret in (
        ("H01", b"X-Forwarded-For: 8.8.8.8", b"8.8.8.8"),
        ("H02", b"X-Real-IP: 8.8.8.8", b"8.8.8.8"),
        ("H03", b"Forwarded: for=8.8.8.8", b"8.8.8.8"),
        ("H04", b"X-Forwarded-Host: evil.example", b"evil.example"),
        ("H05", b"X-Original-URL: /priv", b"/priv"),
        ("H05b", b"X-Rewrite-URL: /priv", b"/priv"),
        ("H06", b"X_Forwarded_For: 8.8.8.8", b"8.8.8.8"),
        ("H07", b"X-Licet-Crawler: googlebot", b"googlebot"),
        ("H07b", b"Licet-Verified: googlebot", b"googlebot"),
        ("H08", b"Connection: x-secret\r\nX-Secret: s3cret", b"s3cret"),
        ("H10", b"Keep-Alive: xyz", b"xyz"),
        ("H10b", b"TE: xyz", b"xyz"),
        ("H10c", b"Proxy-Authorization: xyz", b"xyz"),
        ("H10d", b"Proxy-Connection: xyz", b"xyz"),
        ("H11", b"Proxy: http://evil", b"http://evil"),
        ("H11b", b"CF-Connecting-IP: 8.8.8.8", b"8.8.8.8"),
        ("H11c", b"True-Client-IP: 8.8.8.8", b"8.8.8.8"),
    ):
        t.add(id, f"the origin never reads {field.decode()!r}", t.get(field), PLAIN, never=(secret,))
    t.add("H09", "Connection that names the host", t.get(b"Connection: host"), PLAIN)
    twice = (b"Authorization: Basic YTpi", b"Authorization: License x")
    t.reject("H12", "two Authorizations", t.get(*twice))
    t.reject("H13", "two User-Agents", t.get(b"User-Agent: a", *(() if t.crawler else (b"User-Agent: b",))))
    t.add("H14", "octets above 127", t.get(b"X-Name: caf\xe9 \xc3\xa9"), PLAIN)
    t.reject("H15", "1,000 ranges", t.get(b"Range: bytes=" + b",".join([b"0-"] * 1000)), frozenset({416}))
    t.reject(
        "H16", "TRACE with a limit", t.request(b"TRACE /x HTTP/1.1", b"Max-Forwards: 0"), frozenset({405})
    )
    t.refused(
        "H17", "ten times through here", t.get(b"CDN-Loop: " + b", ".join([b"licet"] * 10)), frozenset({502})
    )
    coded = gzip.compress(b"hello", mtime=0)
    fields = (b"Content-Encoding: gzip", b"Content-Length: %d" % len(coded))
    t.add("H18", "a coded body", t.post(*fields, body=coded), (POST, coded))


def _table(who: bytes, *, crawler: bool) -> tuple[Row, ...]:
    t = _Table(who, crawler=crawler)
    for part in (_framing, _chunks, _queues, _lines, _paths, _headers):
        part(t)
    return tuple(sorted(t.rows, key=lambda row: row.id))


PERSON = _table(b"", crawler=False)
#: Pays for each fetch that succeeds (the kit's till charges whoever says X-Pay).
CRAWLER = _table(b"User-Agent: GPTBot/1.2\r\nX-Pay: 1\r\n", crawler=True)
