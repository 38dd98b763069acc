"""The bar over every page: groups of pages, and of the group that one is in its pages. Pure.

Two lists of links and nothing else: it works by keyboard, read aloud, without
script, and on a phone. A group leads to the first of its pages that the reader
may see; one of which nothing may be seen is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: Every group with its pages, in the order of the bar.
GROUPS: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    (
        "Today",
        (
            ("/", "Overview"),
            ("/live", "Live"),
            ("/crawlers", "Crawlers"),
            ("/content", "Content"),
            ("/log", "Access log"),
            ("/who", "Who"),
            ("/refused", "People refused"),
            ("/views", "Saved views"),
        ),
    ),
    (
        "Rights",
        (
            ("/policies", "Policies"),
            ("/consent", "Consent"),
            ("/preview", "Preview"),
            ("/bundles", "Bundles"),
        ),
    ),
    (
        "Licensing",
        (
            ("/deals", "Deals"),
            ("/licenses", "Licenses"),
            ("/licensees", "Licensees"),
            ("/calculator", "Calculator"),
            ("/memo", "Memo"),
        ),
    ),
    ("Money", (("/billing", "Billing"), ("/milestones", "Milestones"))),
    (
        "Proof",
        (
            ("/duties", "Duties"),
            ("/audits", "Audits"),
            ("/auditors", "Auditors"),
            ("/admin", "Administration"),
        ),
    ),
    (
        "Settings",
        (
            ("/setup", "Setup"),
            ("/health", "Health"),
            ("/webhooks", "Webhooks"),
            ("/people", "People"),
            ("/keys", "API keys"),
        ),
    ),
)
#: Pages that stand under another one's name.
_UNDER: Final = {"/records": "/log", "/dossier": "/memo", "/figures": "/memo"}


@dataclass(frozen=True, slots=True)
class Link:
    """One link. *mark* is the value of ``aria-current``: "page" for this page, "true" for what it is in, else ""."""

    path: str
    name: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """The *groups*; the *name* and *pages* of the one that the page is in, both empty where it is in none."""

    groups: tuple[Link, ...]
    name: str = ""
    pages: tuple[Link, ...] = ()


def bar(seen: Sequence[str], here: str) -> Bar:
    """The bar of the page at *here* for a reader of the pages *seen*.

    >>> made = bar(["/", "/log", "/keys"], "/records/7")
    >>> [(each.name, each.mark) for each in made.groups]
    [('Today', 'true'), ('Settings', '')]
    >>> [(each.path, each.mark) for each in made.pages]
    [('/', ''), ('/log', 'true')]
    """
    known = frozenset(seen)
    groups, name, pages = list[Link](), "", tuple[Link, ...]()
    for group, every in GROUPS:
        links = tuple(Link(path, said, _mark(path, here)) for path, said in every if path in known)
        if not links:
            continue
        inside = any(each.mark for each in links)
        groups.append(Link(links[0].path, group, "true" if inside else ""))
        if inside:
            name, pages = group, links
    return Bar(tuple(groups), name, pages)


def _mark(path: str, here: str) -> str:
    if path == here:
        return "page"
    top = "/" + here.removeprefix("/").partition("/")[0]
    return "true" if path != "/" and path == _UNDER.get(top, top) else ""
