"""RSL 1.0 (2025-12-10, sections 4.6 and 4.7) in pages and feeds: what is put in, and where.

An `Insertion` takes a body in pieces of any size and gives it back with one
insert, or as it came; how it is cut makes no difference, and the octets around
the insert are the origin's own.

====== =====================================================================
page   behind the first ``<head>``, where nothing but a byte order mark, a
       doctype, comments and ``<html>`` stands before it within `HEAD_WITHIN`
       octets. A tag that stands in a comment, a script, a text area or a title
       is behind a head, or such a page is left alone
feed   ``rsl:content`` at the end of each RSS 2.0 item and Atom entry whose link
       is on the feed's own origin; only in a feed of at most `FEED_WITHIN`
       octets of UTF-8 that is well-formed, without a document type, and has no
       RSL of its own
====== =====================================================================

All that is put in is ASCII, so that every coding built on ASCII holds it. Pure;
raises nothing on any input.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Final, Protocol
from urllib.parse import urlsplit

from lxml import etree

from gateway.paths import canonical
from gateway.terms.license_terms import PublishedTerms
from gateway.terms.rsl import MEDIA_TYPE, content_for
from gateway.terms.rsl_xml import NAMESPACE, RslError, parse_xml, tag

#: Octets of a page within which its head must have begun.
HEAD_WITHIN: Final = 8 * 1024
#: Octets that a feed may have.
FEED_WITHIN: Final = 1024 * 1024

_BLANK = rb"[\t\n\f\r ]"
_ATTRIBUTES = (
    rb"(?:" + _BLANK + rb"++|/(?!>)|[^\t\n\f\r \"'<>=/`]++(?:" + _BLANK + rb"*+=" + _BLANK + rb"*+"
    rb"(?:\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r \"'<>=`]++))?+)*+"
)  # fmt: skip
_AHEAD: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?+" + _BLANK + rb"++"
    rb"|<!--(?!-?>)(?:(?!--!?>).)*+-->"
    rb"|<!doctype(?:[^<>\"'\[]++|\"[^\"<>]*+\"|'[^'<>]*+')*+>"
    rb"|<\?[^<>]*+>"
    rb"|<html(?=[\t\n\f\r />])" + _ATTRIBUTES + rb">",
    re.IGNORECASE | re.DOTALL,
)  # fmt: skip
_HEAD: Final = re.compile(rb"<head(?=[\t\n\f\r >])" + _ATTRIBUTES + rb">", re.IGNORECASE)
_BOM: Final = b"\xef\xbb\xbf"
_STARTS: Final = (b"<!--", b"<!doctype", b"<?", b"<html", b"<head")


class Insertion(Protocol):
    """A body on its way, with something put in."""

    def take(self, chunk: bytes) -> bytes:
        """What can be passed on once *chunk* is there; b"" while it is held."""
        ...

    def end(self) -> bytes:
        """The rest, at the end of the body."""
        ...


class PageInsertion:
    """Puts *insert* behind the head tag of a page."""

    def __init__(self, insert: bytes) -> None:
        """Hold back what comes until it is clear where the head is."""
        self._insert = insert
        self._held: bytearray | None = bytearray()
        self._read = 0
        self._open = False

    def take(self, chunk: bytes) -> bytes:
        """See `Insertion`."""
        if self._held is None:
            return chunk
        self._held += chunk
        if self._open and b">" not in chunk and len(self._held) < HEAD_WITHIN:
            return b""  # what has begun ends with that, so there is nothing to look for
        return self._passed(ended=False)

    def end(self) -> bytes:
        """See `Insertion`."""
        return b"" if self._held is None else self._passed(ended=True)

    def _passed(self, *, ended: bool) -> bytes:
        held = self._held
        assert held is not None
        window = bytes(held[:HEAD_WITHIN])
        at = self._place(window)
        if at is None and not ended and len(held) < HEAD_WITHIN:
            return b""
        self._held = None
        if at is None or at < 0:
            return bytes(held)
        return bytes(held[:at]) + self._insert + bytes(held[at:])

    def _place(self, window: bytes) -> int | None:
        """Where the head begins, -1 where nothing is put in, None while it cannot be told."""
        while True:
            if found := _HEAD.match(window, self._read):
                return found.end()
            if self._read == 0 and window.startswith(_BOM):
                self._read = len(_BOM)
                continue
            found = _AHEAD.match(window, self._read)
            if found is None:
                break
            self._read = found.end()
        rest = window[self._read : self._read + 16].lower()
        self._open = rest.startswith(_STARTS)
        if any(rest.startswith(start) or start.startswith(rest) for start in _STARTS):
            return None
        return None if self._read == 0 and _BOM.startswith(rest) else -1


class FeedInsertion:
    """Puts ``rsl:content`` into the items of a feed: *content* gives it for an item's link, or None."""

    def __init__(self, content: Callable[[str], bytes | None]) -> None:
        """Hold back the whole feed, up to `FEED_WITHIN`."""
        self._content = content
        self._held: bytearray | None = bytearray()

    def take(self, chunk: bytes) -> bytes:
        """See `Insertion`."""
        if self._held is None:
            return chunk
        self._held += chunk
        if len(self._held) <= FEED_WITHIN:
            return b""
        passed, self._held = bytes(self._held), None
        return passed

    def end(self) -> bytes:
        """See `Insertion`."""
        if self._held is None:
            return b""
        held, self._held = bytes(self._held), None
        return _with_contents(held, self._content)


def page_insert(terms: PublishedTerms, path: str) -> bytes:
    """What is put into the page at canonical *path*, as `terms.publishing` says; "" is a path with two readings."""
    told = []
    if terms.publishing.html_link:
        href = escape(terms.license_url, quote=True)
        told.append(f'<link rel="license" type="{MEDIA_TYPE}" href="{href}">')
    if terms.publishing.html_script and path:
        content = content_for(terms, path)
        if content is not None:
            text = etree.tostring(content.getroottree(), encoding="us-ascii", xml_declaration=False).decode(
                "ascii"
            )
            told.append(f'<script type="{MEDIA_TYPE}">{text}</script>')
    return "".join(told).encode("ascii", "xmlcharrefreplace")


def item_content(terms: PublishedTerms, link: str) -> bytes | None:
    """The ``rsl:content`` of a feed's item with *link*, or None where that is no page of this site."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    if f"{parts.scheme}://{parts.netloc}".lower() != terms.origin.lower():
        return None
    path = canonical(parts.path or "/")
    if not isinstance(path, str):
        return None
    content = content_for(terms, path, link, "rsl")
    if content is None:
        return None
    text = etree.tostring(content, encoding="us-ascii", xml_declaration=False).decode("ascii")
    return text.replace(f' xmlns:rsl="{NAMESPACE}"', "", 1).encode("ascii")


_ATOM: Final = "http://www.w3.org/2005/Atom"
_PIECE: Final = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|</(?P<end>[^\s>]++)\s*+>"
    rb"|<(?P<start>[^\s/>!?]++)(?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+(?P<stop>>)",
    re.DOTALL,
)  # fmt: skip


def _with_contents(feed: bytes, content: Callable[[str], bytes | None]) -> bytes:
    """*feed* with what *content* gives put in at the end of each item; *feed* itself where that cannot be done."""
    if feed[:2] in {b"\xff\xfe", b"\xfe\xff"} or not _says_utf8(feed):
        return feed
    root = parse_xml(feed, FEED_WITHIN)
    if isinstance(root, RslError) or next(root.iter(tag(NAMESPACE, "*")), None) is not None:
        return feed
    if root.tag == "rss":
        items, links = (
            root.findall("channel/item"),
            [each.findtext("link") for each in root.findall("channel/item")],
        )
    elif root.tag == tag(_ATOM, "feed"):
        items = root.findall(tag(_ATOM, "entry"))
        links = [_atom_link(each) for each in items]
    else:
        return feed
    name = etree.QName(items[0]).localname if items else ""
    every = [each for each in root.iter() if etree.QName(each).localname == name]
    if not items or every != items or "rsl" in _prefixes(root):
        return feed
    told = [content((link or "").strip()) for link in links]
    return _put(feed, name.encode(), told) if any(told) else feed


def _says_utf8(feed: bytes) -> bool:
    found = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)", feed)
    return found is None or found[1].lower() in {b"utf-8", b"utf8", b"us-ascii"}


def _atom_link(entry: etree._Element) -> str:
    for link in entry.findall(tag(_ATOM, "link")):
        if link.get("rel", "alternate") == "alternate":
            return link.get("href", "")
    return ""


def _prefixes(root: etree._Element) -> set[str | None]:
    return {prefix for each in root.iter() for prefix in each.nsmap}


def _put(feed: bytes, name: bytes, told: list[bytes | None]) -> bytes:
    """Put each of *told* before the end of its item, and declare the prefix on the root."""
    pieces: list[bytes] = []
    last, item, rooted = 0, 0, False
    for found in _PIECE.finditer(feed):
        if found["start"] is not None and not rooted:
            at = found.end("start")
            pieces += [feed[last:at], f' xmlns:rsl="{NAMESPACE}"'.encode()]
            last, rooted = at, True
        elif found["end"] is not None and found["end"].rpartition(b":")[2] == name:
            insert = told[item] if item < len(told) else None
            pieces += [feed[last : found.start()], insert or b""]
            last, item = found.start(), item + 1
    return b"".join([*pieces, feed[last:]]) if item == len(told) else feed
