"""Views of tables that somebody gave a name: a page, its query string, whose it is. Pure, and the port that keeps them.

A view is of one person and seen by nobody else. It holds the query string
alone, so that a view of the last seven days is of the last seven days whenever it
is opened; which rows are on the second page is nothing of a view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import parse_qsl, urlencode

#: Views of one person, characters of a name, and of a query string.
MOST: Final = 100
LONGEST_NAME: Final = 60
LONGEST_QUERY: Final = 2_000
#: The pages whose views can be named, and what each is called.
PAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "/": "Overview",
        "/log": "Access log",
        "/crawlers": "Crawlers",
        "/content": "Content",
        "/deals": "Deals",
        "/licenses": "Licenses",
        "/licensees": "Licensees",
        "/billing": "Billing",
        "/billing/statements": "Statements",
        "/billing/documents": "Invoices and credit notes",
        "/billing/disputes": "Disputes",
        "/billing/payouts": "Payouts",
        "/duties": "Duties",
        "/audits": "Audits",
        "/auditors": "Auditors",
        "/auditors/looks": "Looks of auditors",
        "/milestones": "Milestones",
        "/bundles": "Bundles",
        "/policies": "Policies",
        "/consent": "Consent",
        "/consent/withdrawals": "Withdrawals",
        "/consent/objections": "Objections",
        "/consent/authors": "Authors who were asked",
        "/consent/effects": "What a withdrawal would do",
        "/refused": "People refused",
        "/webhooks": "Webhooks",
        "/webhooks/newest": "Events",
        "/people": "People",
        "/keys": "API keys",
        "/admin": "Administration",
    }
)
#: What says which rows are shown, not which there are; and what was just done.
_PASSING: Final = frozenset({"before", "after", "page", "done"})


@dataclass(frozen=True, slots=True)
class SavedView:
    """One view of *person*; its *name* is single on its *path*. *at* is whole seconds."""

    id: str
    person: str
    path: str
    name: str
    query: str
    at: int

    @property
    def address(self) -> str:
        """Where it is opened."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def page(self) -> str:
        """What its page is called."""
        return PAGES.get(self.path, self.path)


class Kept(StrEnum):
    """What came of it."""

    DONE = "done"
    FULL = "full"
    TAKEN = "taken"
    MISSING = "missing"


class SavedViews(Protocol):
    """Where views are kept. A storage port: one atomic act per method, each raises `StoreUnavailable`.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_saved_views.py`.
    """

    async def keep(self, view: SavedView, most: int) -> Kept:
        """Keep *view* in place of the one of its person, path and name, which keeps its id.

        FULL and nothing where there is none such and its person has *most*.
        """
        ...

    async def of(self, person: str) -> tuple[SavedView, ...]:
        """The views of *person*, by path, then name."""
        ...

    async def rename(self, person: str, id: str, name: str) -> Kept:
        """Give one of *person* another *name*; MISSING where it has none of that id, TAKEN where the name is another's."""
        ...

    async def remove(self, person: str, id: str) -> bool:
        """Forget one of *person*; False where it has none of that id."""
        ...

    async def forget(self, person: str) -> int:
        """Forget all of *person*, who goes; returns how many there were."""
        ...


def name_of(text: str) -> str | None:
    r"""*text* as a name, or None where it is none: one line that can be read.

    >>> name_of("  Unpaid, this week "), name_of(""), name_of("a\tb")
    ('Unpaid, this week', None, None)
    """
    name = text.strip()
    return name if 0 < len(name) <= LONGEST_NAME and name.isprintable() else None


def query_of(text: str) -> str | None:
    """*text* as the query string of a view, written one way; None where it is too long or is none.

    >>> query_of("?last=7d&before=81&crawler=GPT%42ot")
    'last=7d&crawler=GPTBot'
    """
    try:
        pairs = parse_qsl(text.removeprefix("?"), keep_blank_values=False, max_num_fields=50, errors="strict")
        query = urlencode([(key, value) for key, value in pairs if key not in _PASSING])
    except (ValueError, UnicodeError):
        return None
    return query if len(query) <= LONGEST_QUERY else None
