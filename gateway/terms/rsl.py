"""RSL 1.0 (Really Simple Licensing, 2025-12-10, errata to 2026-08-07): license.xml, rendered and read.

What one ``<license>`` says, and what the format has no words for, is in
`terms.rsl_license`. Where the specification is silent, documents are made and
read like this:

- *server*: it sends every client to the token endpoint, even for what is free.
  Free uses stand in a ``<content>`` without it, paid offers in one with it. So
  that the two do not share a ``url`` (it is their identifier, section 3.3.1),
  the paid one has the same pattern with one more star. For one exact path
  (``/a.html$``) there is no other spelling; it stands twice, paid first.
- *paths*: a prefix reaches ``/essays-old``; a scope is written as ``/essays/``,
  ``/essays$`` and ``/essays?*``, which all readers take for the same subtree.
- *a wide grant and a narrow reservation*: a broader permit fills the gap, so the
  narrow scope prohibits by name what a wider one grants and it does not.
- *a wide prohibition and a narrow grant* is read both ways (section 3.1.1), so it
  is never written: what a scope must prohibit, scopes inside it do not publish.
- a wrong namespace is not RSL; an absolute ``url`` of another origin covers nothing.

Pure; raises nothing on any input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from gateway.paths import PathScope, canonical
from gateway.terms.license_terms import Offer, PublishedScope, PublishedTerms
from gateway.terms.rsl_license import (
    NAMESPACE,
    OUR_NAMESPACE,
    WORDED,
    RslError,
    RslLicense,
    add,
    add_license,
    license_of,
    parse_license,
    parse_xml,
    read_license,
    tag,
    text_of,
)
from gateway.uses import Use, Uses

__all__ = [
    "MEDIA_TYPE",
    "NAMESPACE",
    "OUR_NAMESPACE",
    "RslContent",
    "RslDocument",
    "RslError",
    "RslLicense",
    "content_patterns",
    "license_of",
    "offers_for",
    "parse_license",
    "parse_rsl",
    "render_rsl",
]

MEDIA_TYPE: Final = "application/rsl+xml"
MOST_OCTETS: Final = 1024 * 1024
_KNOWN = frozenset(
    [
        "rsl", "content", "license", "permits", "prohibits", "payment", "standard", "custom", "amount",
        "accepts", "reporting", "legal", "alternate", "schema", "copyright", "terms",
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RslContent:
    """One ``<content>``. *pattern* is the RFC 9309 path pattern it covers, "" for nothing we can place."""

    url: str
    pattern: str
    licenses: tuple[RslLicense, ...]
    server: str = ""
    encrypted: bool = False
    copyright: str = ""
    terms: str = ""


@dataclass(frozen=True, slots=True)
class RslDocument:
    """An RSL document as read. *deviations* say where it is not what the specification asks for."""

    contents: tuple[RslContent, ...]
    max_age_days: int = 30
    deviations: tuple[str, ...] = ()


# Publishing


def content_patterns(scope: PathScope) -> tuple[str, ...]:
    """The ``url`` patterns that cover exactly *scope* in every reading, queries included.

    >>> content_patterns(PathScope("/essays"))
    ('/essays/', '/essays$', '/essays?*')
    """
    if "*" in scope.pattern:
        return (f"{scope.pattern}$", f"{scope.pattern}?*")
    stem = scope.pattern.rstrip("/")
    return (f"{stem}/", f"{stem}$", f"{stem}?*") if stem else ("/",)


def _twin(pattern: str) -> str:
    """Another spelling of *pattern*, one octet longer; of an exact path there is none."""
    return f"{pattern}*" if not pattern.endswith("$") else pattern.replace("*", "**", 1)


@dataclass(frozen=True, slots=True)
class _Part:
    """What the document says about one scope; *prohibited* is granted further out and not here."""

    scope: PublishedScope
    free: Uses
    offers: tuple[Offer, ...]
    prohibited: Uses = frozenset()

    @property
    def granted(self) -> Uses:
        return self.free.union(*(license_of(offer).uses for offer in self.offers))


def _parts(terms: PublishedTerms) -> list[_Part]:
    """The scopes, wider first, each knowing what those around it say."""
    parts: list[_Part] = []
    for scope in reversed(terms.scopes):
        around = [part for part in parts if _overlap(scope, part.scope)]
        closed = frozenset[Use]().union(*(part.prohibited for part in around))
        sold = [offer for offer in scope.offers if (uses := license_of(offer).uses) and not uses & closed]
        placed = tuple(offer for offer in sold if offer.terms.territory.regions != frozenset())
        part = _Part(scope, (scope.free & WORDED) - closed, placed)
        granted = frozenset[Use]().union(*(part.granted for part in around))
        prohibited = granted - part.granted
        if prohibited and not part.granted:
            prohibited = WORDED
        parts.append(replace(part, prohibited=prohibited))
    return parts


def _overlap(one: PublishedScope, other: PublishedScope) -> bool:
    """Whether some path may be in both; says yes where stars leave it open."""
    return any(_meet(mine, yours) for mine in one.paths for yours in other.paths)


def _meet(one: PathScope, other: PathScope) -> bool:
    if "*" not in one.pattern + other.pattern:
        return one.within(other) or other.within(one)
    heads = [scope.pattern.partition("*")[0].rstrip("/") for scope in (one, other)]
    return heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])


def render_rsl(terms: PublishedTerms, *, max_age_days: int = 7) -> bytes:
    """The document to serve at `PublishedTerms.license_url`; it never says more than *terms*.

    A site that offers and grants nothing says so with one prohibition of ``all``.
    """
    root = etree.Element(tag(NAMESPACE, "rsl"), nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    root.set("max-age", str(max(1, max_age_days)))
    parts = _parts(terms)
    for part in reversed(parts):
        for pattern in (each for path in part.scope.paths for each in content_patterns(path)):
            if part.offers:
                content = _content(root, _twin(pattern) if part.free else pattern, terms.desk_url)
                if part.scope.encrypted:
                    content.set("encrypted", "true")
                for offer in part.offers:
                    add_license(content, offer, part.prohibited, terms)
                _credits(content, terms)
            if part.free:
                content = _content(root, pattern)
                _free(content, part.free, part.prohibited)
                _credits(content, terms)
            if part.prohibited == WORDED:
                _nothing(_content(root, pattern))
    if not len(root):
        _nothing(_content(root, "/"))
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _content(root: etree._Element, url: str, server: str = "") -> etree._Element:
    return add(root, "content", url=url, **({"server": server} if server else {}))


def _free(content: etree._Element, uses: Uses, prohibited: Uses) -> None:
    element = add(content, "license")
    add(element, "permits", " ".join(sorted(uses)), type="usage")
    if prohibited:
        add(element, "prohibits", " ".join(sorted(prohibited)), type="usage")
    add(element, "payment", type="free")


def _nothing(content: etree._Element) -> None:
    add(add(content, "license"), "prohibits", "all", type="usage")


def _credits(content: etree._Element, terms: PublishedTerms) -> None:
    contact = terms.contact.removeprefix("mailto:")
    attributes = {}
    if contact.startswith(("https://", "http://")):
        attributes["contactUrl"] = contact
    elif "@" in contact:
        attributes["contactEmail"] = contact
    if terms.name or attributes:
        add(content, "copyright", terms.name or terms.origin.partition("://")[2], **attributes)
    add(content, "terms", f"{terms.desk_url}/")


def offers_for(terms: PublishedTerms, resource: str) -> tuple[Offer, ...]:
    """The offers that hold for the ``resource`` of an OLP token request (section 5.4.2); empty if none do.

    *resource* is a ``url`` of our document, or a path or URL of this site; the
    narrowest scope counts.
    """
    for scope in terms.scopes:
        patterns = {pattern for path in scope.paths for pattern in content_patterns(path)}
        if resource in patterns or resource in {_twin(pattern) for pattern in patterns}:
            return scope.offers
    path = resource.removeprefix(terms.origin) if resource.startswith(terms.origin) else resource
    found = canonical(re.split(r"[?#]", path, maxsplit=1)[0] or "/")
    if not isinstance(found, str) or "*" in found:
        return ()
    covering = (scope for scope in terms.scopes if any(path.covers(found) for path in scope.paths))
    return next((scope.offers for scope in covering), ())


def parse_rsl(octets: bytes, *, origin: str = "") -> RslDocument | RslError:
    """Read a document, or an RSS feed with RSL in it, leniently; never expands rights.

    *origin* is the origin the document governs, for absolute ``url`` values.
    """
    root = parse_xml(octets, MOST_OCTETS)
    if isinstance(root, RslError):
        return root
    found = list(root.iter(tag(NAMESPACE, "content")))
    if not found and root.tag != tag(NAMESPACE, "rsl"):
        return RslError("there is no RSL element in it")
    notes: dict[str, None] = {}
    for element in root.iter(tag(NAMESPACE, "*")):
        _conforms(element, notes)
    contents = tuple(_read_content(element, origin, notes) for element in found)
    if not contents:
        notes.setdefault("there is no content element")
    stated = root.get("max-age", "30")
    days = int(stated) if re.fullmatch(r"[0-9]{1,5}", stated, re.ASCII) else 0
    if not days:
        notes.setdefault("max-age is a positive number of days")
    return RslDocument(contents, days or 30, tuple(notes))


def _conforms(element: etree._Element, notes: dict[str, None]) -> None:
    name, parent = etree.QName(element).localname, element.getparent()
    if name not in _KNOWN:
        notes.setdefault(f"there is no element {name[:64]} in RSL 1.0")
    elif name in {"copyright", "terms"} and parent is not None and parent.tag != tag(NAMESPACE, "content"):
        notes.setdefault(f"{name} stands in content")
    if name == "rsl" and element.get("version"):
        notes.setdefault("rsl has no attribute version")


def _read_content(element: etree._Element, origin: str, notes: dict[str, None]) -> RslContent:
    url = element.get("url", "").strip()
    pattern = url if url.startswith(("/", "*")) else ""
    if not pattern and url:
        notes.setdefault("url is a path pattern, not an address")
        if origin and (url == origin or url.startswith(f"{origin}/")):
            pattern = url[len(origin) :] or "/"
    licenses = tuple(read_license(each, notes) for each in element.findall(tag(NAMESPACE, "license")))
    if not licenses:
        notes.setdefault("a content element has no license")
    return RslContent(
        url,
        pattern,
        licenses,
        server=element.get("server", "").strip(),
        encrypted=element.get("encrypted", "") == "true",
        copyright=text_of(element, "copyright"),
        terms=text_of(element, "terms"),
    )
