"""What an event was about, and the page of each thing that it names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from gateway.event import Event

#: The kinds that a table has a column for.
KINDS: Final = ("work", "license", "licensee", "negotiation")
#: What the subject of an event is, and the page it has, by the first word of the event's type; "" is none.
_SUBJECTS: Final[Mapping[str, tuple[str, str]]] = {
    "negotiation": ("negotiation", "/deals/{}"),
    "license": ("license", "/licenses/{}"),
    "budget": ("license", "/licenses/{}"),
    "usage": ("license", "/licenses/{}"),
    "milestone": ("milestone", "/milestones"),
    "duty": ("duty", "/duties/{}"),
    "audit": ("audit", "/audits/{}"),
    "invoice": ("document", "/billing/documents/{}"),
    "dispute": ("dispute", "/billing/disputes/{}"),
    "claim": ("claim", ""),
    "topup": ("payment", ""),
    "withdrawal": ("withdrawal", "/consent/withdrawals/{}"),
    "objection": ("objection", "/consent/objections/{}"),
    "consent": ("author's answer", "/consent"),
    "crawler": ("crawler", "/crawlers/{}"),
    "person": ("report", "/refused/{}"),
    "endpoint": ("endpoint", "/webhooks/{}"),
    "list": ("list", "/health"),
    "disk": ("disk", "/health"),
}
#: Members of a body that name one thing, or several.
_NAMED: Final[Mapping[str, tuple[str, str]]] = {
    "negotiation": ("negotiation", "/deals/{}"),
    "license": ("license", "/licenses/{}"),
    "work": ("work", ""),
    "works": ("work", ""),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that an event names: of which *kind*, its *name*, and the *path* of its page, "" for none."""

    kind: str
    name: str
    path: str


def things(event: Event) -> tuple[Thing, ...]:
    """What *event* was about, then what else it names, each once.

    Of a work the page is its site's policy.
    """
    family = event.type.partition(".")[0]
    kind, pattern = _SUBJECTS.get(family, ("", ""))
    # A license's works that were fetched tell of the license; a fee that is due tells of its milestone.
    if family == "milestone" and event.subject == event.body.get("license"):
        kind, pattern = _SUBJECTS["license"]
    found = [_thing(kind or family, event.subject, pattern)] if event.subject else []
    for member, (named, page) in _NAMED.items():
        value = event.body.get(member)
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, str) and each:
                of_site = (
                    f"/policies/{quote(event.site, safe='')}" if named == "work" and event.site else page
                )
                found.append(_thing(named, each, of_site))
    if event.licensee:
        found.append(_thing("licensee", event.licensee, "/licensees/{}"))
    return tuple({(each.kind, each.name): each for each in reversed(found)}.values())[::-1]


def named(found: tuple[Thing, ...], kind: str) -> str:
    """The names of the things of *kind*, in one cell."""
    return ", ".join(each.name for each in found if each.kind == kind)


def _thing(kind: str, name: str, pattern: str) -> Thing:
    return Thing(kind, name, pattern.format(quote(name, safe="", errors="replace")))
