"""Which crawlers of the catalog a published list belongs to, and whose network an unnamed visitor is in.

A list proves its operator, not the crawler: one list may belong to several.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.visitors.catalog import Catalog, CatalogEntry
from gateway.visitors.networks import Networks
from gateway.visitors.visitor import VisitorClass


@dataclass(frozen=True, slots=True)
class Undeclared:
    """An operator's network that holds an address nobody spoke for.

    Attributes:
        list_name: the list; *operator* publishes it.
        entries: the crawlers whose claims it would verify; may be empty.
        ai: whether every one of them is of class ``ai``: only then does the
            network alone say what is done with the content.
        fresh: whether the copy is young enough that its addresses are still the
            operator's; single cloud addresses are let to others soon.
    """

    list_name: str
    operator: str
    entries: tuple[CatalogEntry, ...]
    ai: bool
    fresh: bool

    @property
    def reason(self) -> str:
        """The stable code, ``ip_operator_undeclared:LIST``."""
        return f"ip_operator_undeclared:{self.list_name}"


class ListOwners:
    """The catalog, by the lists it names."""

    def __init__(self, catalog: Catalog) -> None:
        """Index *catalog*."""
        found: dict[str, tuple[CatalogEntry, ...]] = {}
        for entry in catalog.crawlers:
            for name in entry.recipe.networks:
                found[name] = (*found.get(name, ()), entry)
        self._entries = found
        self._ai = frozenset(
            name
            for name, entries in found.items()
            if all(entry.crawler.visitor_class is VisitorClass.AI for entry in entries)
        )

    def entries(self, list_name: str) -> tuple[CatalogEntry, ...]:
        """The crawlers that list *list_name* verifies, in the catalog's order."""
        return self._entries.get(list_name, ())

    def is_ai(self, list_name: str) -> bool:
        """Whether list *list_name* belongs to crawlers of class ``ai`` and to no others."""
        return list_name in self._ai

    def undeclared(self, networks: Networks, address: str, at: int) -> Undeclared | None:
        """The operator's network that *address* lies in at second *at*, or None; AI crawlers' lists come first.

        Lists that others share (`NetworkList.shared`) say nothing about who asks.
        """
        held = networks.lists_of(address)
        if not held:
            return None
        told = [name for name in held if not networks.lists[name].shared]
        if not told:
            return None
        name = next(filter(self.is_ai, told), told[0])
        known = networks.lists[name]
        return Undeclared(name, known.operator, self.entries(name), self.is_ai(name), known.is_fresh(at))
