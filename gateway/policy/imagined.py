"""Requests that nobody sent: who a name would be, and what it would ask, for whoever wants the rules explained. Pure."""

from __future__ import annotations

from dataclasses import replace

from gateway.ask import Ask
from gateway.paths import Ambiguous, canonical
from gateway.policy.rules import Policy
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import PERSON, Identity, Method, Visitor, VisitorClass


def imagined_visitor(catalog: Catalog, name: str, identity: Identity) -> Visitor | None:
    """Whoever calls itself *name*, a crawler of *catalog* or a whole User-Agent, proven as *identity* says.

    A person for "", and for a User-Agent that shows no automation. None for a
    bare word that is no name of the catalog.
    """
    if not name:
        return PERSON
    entry = catalog.by_name(name) or catalog.match(name)
    if entry is not None:
        method = Method.NETWORK if identity is Identity.VERIFIED else Method.NONE
        return replace(Visitor(entry.crawler.visitor_class, entry.crawler), identity=identity, method=method)
    if "/" not in name and " " not in name:
        return None
    said = catalog.reading(name)
    if said.visitor_class is VisitorClass.UNPROVEN and not said.reasons:
        return PERSON
    claimed = Identity.CLAIMED if said.declared else Identity.NONE
    return Visitor(said.visitor_class, said.crawler, claimed, reasons=said.reasons)


def imagined_ask(policy: Policy, path: str, query: str, agent: str, country: str, *, at_us: int = 0) -> Ask:
    """A GET of *path* of the policy's site, sent by *agent* from *country* ("" is unknown) at *at_us*.

    By that moment, in microseconds since the epoch, a page is as old as it is (`policy.dating`).
    """
    plain = canonical(path)
    return Ask(
        id="explain",
        asked_at_us=at_us,
        site=policy.site.id,
        origin=policy.site.public,
        method="GET",
        target=path + (f"?{query}" if query else ""),
        path="" if isinstance(plain, Ambiguous) else plain,
        ambiguity=plain.why if isinstance(plain, Ambiguous) else "",
        query=query,
        headers=(("user-agent", agent),),
        country=country,
    )
