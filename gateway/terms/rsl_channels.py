"""Where a site says that its RSL document is (RSL 1.0, 2025-12-10, sections 4.4 to 4.6): robots.txt, Link, HTML.

Written by `terms.robots_txt`, `front.responses` and `terms.rsl_embedding`; read
here, leniently: a relative address is resolved and told as a breach. A link
without RSL's media type is any other license, and no channel. Pure; raises
nothing on any input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin, urlsplit

from gateway.terms.rsl import MEDIA_TYPE
from gateway.terms.rsl_xml import Breach, Severity

_ROBOTS: Final = re.compile(r"[ \t]*license[ \t]*:[ \t]*([^\s#]*)", re.IGNORECASE)
_AGENT: Final = re.compile(r"[ \t]*user-?agent[ \t]*:", re.IGNORECASE)
_LINK: Final = re.compile(r"<([^<>]*)>((?:[^,<\"]++|\"(?:[^\"\\]|\\.)*+\")*+)")
_PARAMETER: Final = re.compile(r";\s*([A-Za-z*]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*+)\"|([^\s;,\"]+))")
_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Pointer:
    """One place where a license is told.

    *channel* is ``robots.txt``, ``Link``, ``link`` or ``script``. *url* is
    absolute; "" where *document* holds the license itself. *breaches* have the
    line in the file, 0 for a header.
    """

    channel: str
    url: str
    document: bytes = b""
    breaches: tuple[Breach, ...] = ()


def in_robots(octets: bytes, base: str) -> tuple[Pointer, ...]:
    """The ``License`` lines of a robots.txt at *base*, those of groups included."""
    found = []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", octets.decode("utf-8", "replace")), 1):
        if told := _ROBOTS.match(line.removeprefix("\ufeff")):
            found.append(_pointer("robots.txt", told[1], base, number, "4.4"))
    return tuple(each for each in found[:_MOST] if each is not None)


def is_robots(octets: bytes) -> bool:
    """Whether a file looks like a robots.txt."""
    lines = re.split(r"\r\n|\r|\n", octets.decode("utf-8", "replace"))
    return any(_AGENT.match(line) or _ROBOTS.match(line) for line in lines)


def in_link(value: str, base: str) -> tuple[Pointer, ...]:
    """The licenses of a ``Link`` header (RFC 8288) of the page at *base*."""
    found = []
    for link in _LINK.finditer(value):
        told = {key.lower(): quoted or bare for key, quoted, bare in _PARAMETER.findall(link[2])}
        if "license" in told.get("rel", "").lower().split() and told.get("type", "").lower() == MEDIA_TYPE:
            found.append(_pointer("Link", link[1].strip(), base, 0, "4.5"))
    return tuple(each for each in found[:_MOST] if each is not None)


def in_html(octets: bytes, base: str) -> tuple[Pointer, ...]:
    """The licenses that the page at *base* links to or holds."""
    reader = _Page(base)
    reader.feed(octets.decode("utf-8", "replace"))
    reader.close()
    return tuple(reader.found[:_MOST])


class _Page(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Pointer] = []
        self._base = base
        self._script: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in reversed(attrs)}
        if told.get("type", "").strip().lower() != MEDIA_TYPE:
            return
        if tag == "link" and "license" in told.get("rel", "").lower().split():
            line = self.getpos()[0]
            pointer = _pointer("link", told.get("href", "").strip(), self._base, line, "4.6.1")
            self.found += [pointer] if pointer is not None else []
        elif tag == "script":
            self._script = []

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self._script.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._script is not None:
            document = "".join(self._script).strip().encode("utf-8", "surrogatepass")
            self.found.append(Pointer("script", "", document))
            self._script = None


def _pointer(channel: str, target: str, base: str, line: int, section: str) -> Pointer | None:
    try:
        absolute = bool(urlsplit(target).scheme)
        url = urljoin(base, target)
        scheme = urlsplit(url).scheme
    except ValueError:
        return Pointer(channel, "", b"", (_breach(line, section, "its address cannot be read"),))
    breaches = []
    if not absolute:
        breaches.append(_breach(line, section, "a license is named by an absolute address"))
    if scheme not in {"https", ""}:
        breaches.append(_breach(line, "8", "a license is fetched by https alone"))
    return Pointer(channel, url, b"", tuple(breaches))


def _breach(line: int, section: str, what: str) -> Breach:
    return Breach(line, section, Severity.ERROR, what)
