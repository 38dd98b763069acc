"""Look through a site by its creator's own server: which pages it tells of, and what each is made of.

Pages are told by the sitemap (sitemaps.org, protocol 0.9; of the sitemap's
addresses those on the site). What is read is counted and hashed as it comes, so
a film takes no memory. Nothing is followed: a redirect is no page.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from lxml import etree

from gateway import __version__
from gateway.ask import Ask
from gateway.origin.connections import OriginLimits
from gateway.origin.delivery import OriginAborted
from gateway.origin.forwarding import HttpAnswer, HttpOrigin
from gateway.paths import Ambiguous, canonical
from gateway.problems import Problem, Refusal

SITEMAP: Final = "/sitemap.xml"
#: The most that a sitemap may have by its protocol.
_SITEMAP_BYTES: Final = 50 << 20
#: Sitemaps of an index that are read.
_MOST_SITEMAPS: Final = 200


@dataclass(frozen=True, slots=True)
class Page:
    """A page as a sitemap tells of it: canonical path, and the day it last changed, ``2026-11-26``, or ""."""

    path: str
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What was sent whole for a path: the SHA-256 of its octets in lower-case hex, and how many they are."""

    sha256: str
    size: int


class Gathering:
    """Reads the server at *upstream* as the site with the public origin *public*. A context: its connections end with it."""

    def __init__(self, upstream: str, public: str, *, proxied: str = "off") -> None:
        """Connect to nothing yet; *proxied* as for `HttpOrigin`."""
        self._upstream, self._public = upstream, public
        self._origin = HttpOrigin(OriginLimits(connect=10.0), proxied=proxied)

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._origin.close()

    async def content(self, path: str) -> Content | Refusal:
        """What the server sends for *path*, if it is a whole answer 200."""
        digest, size = hashlib.sha256(), 0
        try:
            opened = await self._opened(path)
            if isinstance(opened, Refusal):
                return opened
            with closing(opened):
                async with aclosing(_pieces(opened)) as pieces:
                    async for piece in pieces:
                        digest.update(piece)
                        size += len(piece)
        except OriginAborted as error:
            return _no(f"{path}: {error}")
        return Content(digest.hexdigest(), size)

    async def pages(self) -> tuple[Page, ...] | Refusal:
        """Every page that the sitemap tells of, by path; refused where there is no sitemap."""
        found: dict[str, Page] = {}
        waiting, seen = [SITEMAP], set[str]()
        while waiting and len(seen) < _MOST_SITEMAPS:
            at = waiting.pop(0)
            if at in seen:
                continue
            seen.add(at)
            text = await self._text(at)
            if isinstance(text, Refusal):
                return text
            pages, more = read_sitemap(text, self._public)
            found.update((each.path, each) for each in pages)
            waiting += more
        return tuple(found[path] for path in sorted(found))

    async def _text(self, path: str) -> bytes | Refusal:
        body = bytearray()
        try:
            opened = await self._opened(path)
            if isinstance(opened, Refusal):
                return opened
            with closing(opened):
                async with aclosing(_pieces(opened)) as pieces:
                    async for piece in pieces:
                        body += piece
                        if len(body) > _SITEMAP_BYTES:
                            return _no(f"{path} is larger than {_SITEMAP_BYTES} octets")
        except OriginAborted as error:
            return _no(f"{path}: {error}")
        return bytes(body)

    async def _opened(self, path: str) -> HttpAnswer | Refusal:
        opened = await self._origin.open(self._ask(path), self._upstream, None, ours=-1, upgrade=False)
        if isinstance(opened, Refusal):
            return opened
        coding = opened.field("content-encoding").lower()
        if opened.status == 200 and coding in {"", "identity"}:
            return opened
        opened.close()
        return _no(f"{path} answers {opened.status}" if opened.status != 200 else f"{path} is compressed")

    def _ask(self, path: str) -> Ask:
        return Ask(
            id="",
            asked_at_us=0,
            site="",
            origin=self._public,
            method="GET",
            target=path,
            path="",
            headers=(
                ("host", urlsplit(self._public).netloc),
                ("user-agent", f"licet/{__version__}"),
                ("accept", "*/*"),
                ("accept-encoding", "identity"),
            ),
        )


def read_sitemap(text: bytes, public: str) -> tuple[tuple[Page, ...], tuple[str, ...]]:
    """The pages of a sitemap, and the paths of the sitemaps that an index names; no input makes it raise.

    Of the addresses those of the host of *public* alone, without query. What is
    broken is read as far as it goes.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError):
        return (), ()
    if root is None:
        return (), ()
    pages, more = list[Page](), list[str]()
    for entry in root.iterchildren(tag=etree.Element):
        where = path_of(_said(entry, "loc"), public)
        if not where:
            continue
        if etree.QName(entry).localname == "sitemap":
            more.append(where)
        else:
            pages.append(Page(where, _said(entry, "lastmod")[:10]))
    return tuple(pages), tuple(more)


def path_of(address: str, public: str) -> str:
    """The canonical path of an *address* of the site, or of a path as it is; "" for another host's, or for none."""
    if not address.strip():
        return ""
    try:
        parts = urlsplit(address.strip())
        host, own = parts.hostname, urlsplit(public).hostname
    except ValueError:
        return ""
    if (parts.netloc and host != own) or parts.query or (parts.scheme and not parts.netloc):
        return ""
    path = canonical(parts.path or "/")
    return "" if isinstance(path, Ambiguous) or not path.startswith("/") else path


def _said(entry: etree._Element, name: str) -> str:
    # Comments and processing instructions have a function for a tag.
    found = (each for each in entry.iterchildren(tag=etree.Element) if etree.QName(each).localname == name)
    return next(((each.text or "").strip() for each in found), "")


async def _pieces(opened: HttpAnswer) -> AsyncGenerator[bytes]:
    async with aclosing(opened.body()) as pieces:
        async for piece in pieces:
            yield piece


def _no(why: str) -> Refusal:
    return Refusal(Problem.ORIGIN_FAILED, "The site's own server gave no usable answer.", private=why)
