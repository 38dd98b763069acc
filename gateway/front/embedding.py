"""The license inside what automata fetch: pages and feeds with RSL put in, where the site asks for it.

People get the origin's octets, always; so does everybody under `observe`. For
automata an answer is changed only if all of this holds, and passes untouched
otherwise:

- GET (for a HEAD the same fields are told), status 200, no content coding. The
  origin is asked for octets without one (`uncoded`), which costs less than to
  unpack and pack them here; what it compresses all the same is not unpacked;
- a page (``text/html``) with `html_link` or `html_script`, or a feed
  (RSS, Atom, or XML that turns out to be one) with `feeds`;
- the origin does not forbid it (``no-transform``), has not signed the answer and
  does not send it as a file to keep.

What is changed is another representation. Its length is told anew or not at all;
its entity tag is weak, so that no cache and no client joins its parts with the
origin's. Where the license itself stands in it there is neither a tag nor a date:
the origin would call a page unchanged whose license is another by now. Digests of the origin's octets are taken off; a shared cache must not
hand it to people. The record has the digest of the octets as they were sent.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from gateway.ask import Ask
from gateway.front.answer import Judged
from gateway.origin.delivery import Headers, OriginAnswer, Tunnel
from gateway.policy.rules import Mode
from gateway.terms.license_terms import PublishedTerms
from gateway.terms.publishing import Publishing
from gateway.terms.rsl_embedding import FeedInsertion, Insertion, PageInsertion, item_content, page_insert

#: Whoever says that plain octets are not acceptable (RFC 9110, section 12.5.3).
_PLAIN_REFUSED: Final = re.compile(
    r"(?:^|,)[ \t]*(?:identity|\*)[ \t]*;[ \t]*q=0(?:\.0{0,3})?[ \t]*(?:,|$)", re.ASCII | re.IGNORECASE
)
_PAGES: Final = frozenset({"text/html"})
_FEEDS: Final = frozenset({"application/rss+xml", "application/atom+xml", "application/xml", "text/xml"})
#: What holds for the origin's octets alone, and what would hand these out to others.
_UNTRUE: Final = frozenset(
    {
        "content-length", "accept-ranges", "content-md5", "digest", "content-digest", "repr-digest",
        "cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control",
    }
)  # fmt: skip


#: By these the origin would say later that nothing has changed.
_VALIDATORS: Final = frozenset({"etag", "last-modified"})


def embeds(publishing: Publishing) -> bool:
    """Whether a site puts its license into what it serves at all."""
    return publishing.html_link or publishing.html_script or publishing.feeds


def uncoded(ask: Ask, judged: Judged) -> Ask:
    """*ask* as it is sent to the creator's server, so that an answer that may be changed comes without a coding.

    A person's request is left as it is, and so is one that wants no plain octets.
    Every line keeps its place.
    """
    if (
        judged.visitor.is_person
        or judged.policy.site.mode is Mode.OBSERVE
        or ask.method not in {"GET", "HEAD"}
    ):
        return ask
    wanted = ",".join(ask.all("accept-encoding"))
    if _PLAIN_REFUSED.search(wanted):
        return ask
    fields = tuple((name, "identity" if name == "accept-encoding" else value) for name, value in ask.headers)
    return replace(
        ask, headers=fields if ask.has("accept-encoding") else (*fields, ("accept-encoding", "identity"))
    )


def embedded(opened: OriginAnswer, ask: Ask, judged: Judged, terms: PublishedTerms) -> OriginAnswer:
    """*opened* with the license put in, or *opened* itself."""
    insertion = _insertion(opened, ask, judged, terms)
    if insertion is None:
        return opened
    lasting = isinstance(insertion, PageInsertion) and not terms.publishing.html_script
    untrue = _UNTRUE if lasting else _UNTRUE | _VALIDATORS
    whole = None if ask.method == "HEAD" else opened.whole()
    if whole is None:
        return _Embedded(opened, insertion, untrue)
    changed = insertion.take(whole) + insertion.end()
    return _Embedded(opened, insertion, untrue, changed, as_it_came=changed == whole)


def _insertion(opened: OriginAnswer, ask: Ask, judged: Judged, terms: PublishedTerms) -> Insertion | None:
    if judged.visitor.is_person or judged.policy.site.mode is Mode.OBSERVE or opened.tunnel is not None:
        return None
    if opened.status != 200 or ask.method not in {"GET", "HEAD"} or _must_stay(opened):
        return None
    media = opened.field("content-type").partition(";")[0].strip().lower()
    chosen = terms.publishing
    if media in _PAGES and (chosen.html_link or chosen.html_script):
        return PageInsertion(_page_insert(terms, ask.path))
    if media in _FEEDS and chosen.feeds:
        return FeedInsertion(lambda link: item_content(terms, link))
    return None


_MOST: Final = 1024
_kept: dict[tuple[int, str], tuple[bytes, PublishedTerms]] = {}


def _page_insert(terms: PublishedTerms, path: str) -> bytes:
    """`page_insert`, made once for a page; bounded, because a stranger can ask for any path."""
    found = _kept.get((id(terms), path))
    if found is None or found[1] is not terms:
        if len(_kept) >= _MOST:
            _kept.clear()
        found = _kept[id(terms), path] = (page_insert(terms, path), terms)
    return found[0]


def _must_stay(opened: OriginAnswer) -> bool:
    coded = opened.field("content-encoding").strip().lower() not in {"", "identity"}
    kept = opened.field("content-disposition").strip().lower().startswith("attachment")
    signed = bool(opened.field("signature-input") or opened.field("content-range"))
    controls = [value for name, value in opened.headers if name.lower() == "cache-control"]
    return coded or kept or signed or any("no-transform" in value.lower() for value in controls)


class _Embedded:
    """An origin's answer with an insertion, or one *as it came* whose body was taken; all else is the origin's."""

    __slots__ = ("_as_it_came", "_insertion", "_opened", "_untrue", "_whole", "length", "status", "tunnel")

    def __init__(
        self,
        opened: OriginAnswer,
        insertion: Insertion,
        untrue: frozenset[str],
        whole: bytes | None = None,
        *,
        as_it_came: bool = False,
    ) -> None:
        self._untrue = untrue
        self._opened = opened
        self._insertion = insertion
        self._whole = whole
        self._as_it_came = as_it_came
        self.status = opened.status
        self.tunnel: Tunnel | None = None
        self.length = opened.length if as_it_came else -1 if whole is None else len(whole)

    @property
    def reason(self) -> str:
        return self._opened.reason

    def _own(self) -> Headers:
        etag = self.field("etag")
        return (
            *((("Content-Length", str(self.length)),) if self.length >= 0 else ()),
            *((("ETag", etag),) if etag else ()),
            ("Accept-Ranges", "none"),
            ("Cache-Control", "private"),
        )

    @property
    def headers(self) -> Headers:
        if self._as_it_came:
            return self._opened.headers
        theirs = tuple(
            line for line in self._opened.headers if line[0].lower() not in self._untrue | {"etag"}
        )
        return theirs + self._own()

    @property
    def head(self) -> bytes:
        return self.head_without(frozenset())

    def head_without(self, names: frozenset[str]) -> bytes:
        if self._as_it_came:
            return self._opened.head_without(names) if names else self._opened.head
        lines = [
            f"\r\n{name}: {value}".encode("utf-8", "surrogateescape")
            for name, value in self._own()
            if name.lower() not in names
        ]
        return self._opened.head_without(self._untrue | {"etag"} | names) + b"".join(lines)

    def field(self, name: str) -> str:
        found = self._opened.field(name)
        if self._as_it_came:
            return found
        if name == "content-length":
            return str(self.length) if self.length >= 0 else ""
        if name in self._untrue:
            return ""
        return f"W/{found}" if name == "etag" and found and not found.startswith("W/") else found

    def whole(self) -> bytes | None:
        return self._opened.whole() if self._whole is None else self._whole

    async def body(self) -> AsyncIterator[bytes]:
        async for chunk in self._opened.body():
            if passed := self._insertion.take(chunk):
                yield passed
        if rest := self._insertion.end():
            yield rest

    def close(self) -> None:
        self._opened.close()
