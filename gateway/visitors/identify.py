"""Who sent this request, and is the claim true? Weighs everything into one `Visitor`.

Asked after the client's address is known (`visitors.client_address`) and before
the policy. Evidence in order, the cheap and strong first:

    ============================== ================================ =============
    claim                          address                          identity
    ============================== ================================ =============
    none                           not looked at                    none
    a name, nothing published      not looked at                    claimed
    a name with lists              in one of its lists              verified
    a name with lists              in none; all of them complete,   spoofed
                                   fresh and far from the address
    a name with lists              in none, otherwise               unverifiable
    a name with other recipes      -                                unverifiable
    ============================== ================================ =============

A spoofed visitor keeps the class and the crawler of its claim, so that the
record says what was claimed; it inherits nothing else. Being listed in an old
copy still verifies, and the reasons say that the copy was old.

Reasons, in the order found: ``ua_claim:NAME``, ``ua_kind:KIND``,
``ua_robots_token:NAME``, ``ua_oversized``, ``no_user_agent``, ``ua_library``,
``headless_declared``, ``ua_bot_word``, ``ua_contact_in_comment``,
``ua_compatible_token``, ``ua_no_engine``, ``ip_in:LIST``, ``ip_not_in:LIST``,
``ip_near:LIST``, ``ip_list_stale:LIST``, ``ip_list_partial:LIST``,
``ip_list_missing:LIST``, ``ip_unknown``, ``recipe_unchecked``.

Pure: no I/O, no clock (ages are counted to ``ask.asked_at``), no raise. What was
weighed for one User-Agent and address is remembered for the minute it was
weighed in, within a bound; a person's request costs one cache access.
"""

from __future__ import annotations

from gateway.ask import Ask
from gateway.evidence import Evidence, Needs
from gateway.visitors.catalog import Catalog, CatalogEntry
from gateway.visitors.networks import Networks, parse_address
from gateway.visitors.visitor import PERSON, Identity, Method, Visitor, VisitorClass

#: Pairs of User-Agent and address remembered; a stranger can send any number.
_REMEMBERED = 8192


class Identifier:
    """Identifies visitors by one catalog and one set of networks; remembers what it weighed."""

    def __init__(self, catalog: Catalog, networks: Networks) -> None:
        """Use *catalog* and *networks* for every answer."""
        self.catalog = catalog
        self.networks = networks
        self._weighed: dict[tuple[str, str, int], Visitor] = {}

    def identify(self, ask: Ask, evidence: Evidence) -> Visitor | Needs:  # noqa: ARG002 - keys and DNS come by it
        """Say who sent *ask*, as far as it and *evidence* show.

        Returns:
            A `Visitor`. `Needs` is part of the contract for proofs that must be
            fetched; networks and User-Agents never need any.
        """
        agent = ask.user_agent
        said = self.catalog.reading(agent)
        if said.entry is None and said.visitor_class is VisitorClass.UNPROVEN and not said.reasons:
            return PERSON
        seen = (agent, ask.address, ask.asked_at // 60)
        visitor = self._weighed.get(seen)
        if visitor is None:
            if said.entry is not None:
                visitor = self._weigh(said.entry, said.reasons, ask)
            else:
                identity = Identity.CLAIMED if said.declared else Identity.NONE
                visitor = Visitor(said.visitor_class, said.crawler, identity, reasons=said.reasons)
            if len(self._weighed) >= _REMEMBERED:
                self._weighed.clear()
            self._weighed[seen] = visitor
        return visitor

    def _weigh(self, entry: CatalogEntry, reasons: tuple[str, ...], ask: Ask) -> Visitor:
        identity, method = Identity.CLAIMED, Method.NONE
        if entry.recipe.networks:
            identity, method, more = self._by_network(entry.recipe.networks, ask)
            reasons += more
        elif entry.recipe:
            identity = Identity.UNVERIFIABLE
            reasons += ("recipe_unchecked",)
        return Visitor(entry.crawler.visitor_class, entry.crawler, identity, method, reasons)

    def _by_network(self, names: tuple[str, ...], ask: Ask) -> tuple[Identity, Method, tuple[str, ...]]:
        if parse_address(ask.address) is None:
            return Identity.UNVERIFIABLE, Method.NONE, ("ip_unknown",)
        holding = self.networks.lists_of(ask.address)
        for name in names:
            if name in holding:
                return Identity.VERIFIED, Method.NETWORK, (f"ip_in:{name}", *self._stale(name, ask))
        reasons = tuple(f"ip_not_in:{name}" for name in names)
        doubts = tuple(doubt for name in names for doubt in self._doubts(name, ask))
        if doubts:
            return Identity.UNVERIFIABLE, Method.NONE, reasons + doubts
        return Identity.SPOOFED, Method.NETWORK, reasons

    def _doubts(self, name: str, ask: Ask) -> tuple[str, ...]:
        """Why absence from list *name* proves nothing; () where it does."""
        known = self.networks.get(name)
        if known is None:
            return (f"ip_list_missing:{name}",)
        doubts = self._stale(name, ask)
        if not known.complete:
            doubts += (f"ip_list_partial:{name}",)
        if self.networks.is_near(name, ask.address):
            doubts += (f"ip_near:{name}",)
        return doubts

    def _stale(self, name: str, ask: Ask) -> tuple[str, ...]:
        known = self.networks.get(name)
        return () if known is None or known.is_fresh(ask.asked_at) else (f"ip_list_stale:{name}",)
