"""Ways around the gate: a server that everybody reaches, and copies of the text that the rules forgot."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from gateway.policy.rules import Policy, Ruling
    from gateway.visitors.visitor import Visitor

#: What was looked at, a state (``ok``, ``warn``, ``bad``), the fact, and what to do about it.
Told = tuple[str, str, str, str]

#: What a page tells of what made it, and where that keeps further copies of its text.
_SYSTEMS: Final = {
    "WordPress": (
        (b'content="WordPress', b"/wp-content/", b"/wp-json/"),
        (
            "/?p=1", "/feed/", "/comments/feed/", "/?feed=rss2", "/wp-json/wp/v2/posts", "/wp-json/wp/v2/pages",
            "/wp-content/uploads/2026/01/page.pdf", "/amp/",
        ),
    ),
    "Ghost": (
        (b'content="Ghost', b"/ghost/api/content"),
        ("/rss/", "/ghost/api/content/posts/", "/content/images/picture.jpg", "/amp/"),
    ),
}  # fmt: skip
#: A crawler that reads to train: what is closed to it anywhere is worth closing everywhere.
_READER: Final = "GPTBot"
_LISTENS: Final = "0A"


def leaks(policy: Policy, home: bytes) -> list[Told]:
    """Ways around the rules of *policy*; *home* is the first page as its own server gives it."""
    return [*_copies(policy, home), *_around(policy)]


def _copies(policy: Policy, home: bytes) -> list[Told]:
    """Copies that are served to a crawler which has to pay for the page itself."""
    system = next((name for name, (marks, _) in _SYSTEMS.items() if any(mark in home for mark in marks)), "")
    if not system or is_free(policy, "/"):
        return []
    free = [path for path in _SYSTEMS[system][1] if is_free(policy, path)]
    if not free:
        return [("copies", "ok", f"{policy.site.id}: {system} keeps no copy of its text that is free", "")]
    step = f"take them out of free_paths and rules, and into a work; policies/integrations/{system.lower()}.toml is a start"
    return [
        ("copies", "warn", f"{policy.site.id}: {system} gives the same text away at {', '.join(free)}", step)
    ]


def is_free(policy: Policy, target: str) -> bool:
    """Whether a crawler that trains is served *target* without a price."""
    from gateway.policy.rules import Verdict

    return reader_ruling(policy, target).verdict is Verdict.SERVE


def reader_ruling(policy: Policy, target: str) -> Ruling:
    """What *policy* says to a crawler that trains and asks for *target*."""
    from gateway.policy.imagined import imagined_ask
    from gateway.policy.ruling import rule

    visitor = reader()
    path, _, query = target.partition("?")
    ask = imagined_ask(policy, path, query, _READER, "")
    return rule(policy, visitor, ask, visitor.uses)


@cache
def reader() -> Visitor:
    """A crawler that reads to train, verified."""
    from gateway.policy.imagined import imagined_visitor
    from gateway.visitors.catalog import Catalog
    from gateway.visitors.visitor import Identity

    visitor = imagined_visitor(Catalog.shipped(), _READER, Identity.VERIFIED)
    assert visitor is not None
    return visitor


def _around(policy: Policy) -> list[Told]:
    """Whether the site's own server can be reached without the gate."""
    origin = urlsplit(policy.site.origin)
    port = origin.port or (443 if origin.scheme == "https" else 80)
    try:
        address = ip_address(origin.hostname or "")
    except ValueError:
        local = origin.hostname == "localhost"
        if not local:
            return []  # a name may be of this machine, of a container, or of anybody
    else:
        local = address.is_loopback
        if address.is_global:
            fact = f"{policy.site.id}: {policy.site.origin} is a public address, and whoever finds it goes around Licet"
            return [
                (
                    "way around",
                    "warn",
                    fact,
                    "let its firewall take Licet's address alone, or set sign_requests",
                )
            ]
    tables = [Path("/proc/net") / name for name in ("tcp", "tcp6")]
    lines = [line for table in tables if table.is_file() for line in table.read_text().splitlines()]
    if local and listens_everywhere(lines, port):
        fact = f"{policy.site.id}: your server listens on every address of this machine, port {port}, and not only for Licet"
        return [("way around", "warn", fact, "bind it to 127.0.0.1, or close the port in the firewall")]
    return []


def listens_everywhere(lines: list[str], port: int) -> bool:
    """Whether *lines* of ``/proc/net/tcp`` or ``tcp6`` (proc(5)) tell of a socket on *port* of every address.

    >>> listens_everywhere(["  0: 00000000:1F40 00000000:0000 0A 00000000:00000000"], 8000)
    True
    """
    for line in lines:
        fields = line.split()
        if len(fields) < 4 or fields[3] != _LISTENS:
            continue
        address, _, at = fields[1].partition(":")
        if at == f"{port:04X}" and not address.strip("0"):
            return True
    return False
