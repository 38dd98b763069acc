"""Who sent this request, and is the claim true? Finds everything at hand and has it weighed into one `Visitor`.

Asked after the client's address is known (`visitors.client_address`) and before
the policy. What is looked at, the cheap and strong first:

    ==================== ======================= ===================================
    found by             looked at               what it gives
    ==================== ======================= ===================================
    `catalog`            every request           the claim, or signs of a program
    `signatures`         signed requests         who holds the key, or why not
    `networks`           every request           the claim's lists; without a claim,
                                                 the AI operator whose network it is
    `host_names`         claims with DNS names   whose name the address has
                         that no list proves
    `autonomous_systems` claims                  a weight for or against the claim
    `contradictions`     browsers                headers that no such browser sends
    `conduct`            every request           what its network did
    ==================== ======================= ===================================

What each row means is the table of `visitors.weighing`. A spoofed visitor keeps
the class and the crawler of its claim, so that the record says what was claimed;
it inherits nothing else. Being listed in an old copy still verifies, and the
reasons say how old. `visitors.reasons` knows every code.

The claim's lists are told in this order: ``ip_in:LIST`` or ``ip_not_in:LIST``,
``ip_near:LIST``, ``ip_list_stale:LIST``, ``ip_list_partial:LIST``,
``ip_list_missing:LIST``, and ``ip_list_dated:LIST@DATE``, the day of each copy that
counted; or ``ip_unknown``.

Pure: no I/O, no clock (ages are counted to ``ask.asked_at``), no raise, and no
waiting: keys and DNS are named as `Needs`. What was weighed for one claim and
address is remembered for the minute it was weighed in, within a bound. About a
person nothing is remembered: what the headers alone say is kept beside them,
and the address is looked up anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from gateway.ask import Ask, HeaderFields
from gateway.evidence import Evidence, Needs
from gateway.visitors.autonomous_systems import asn_finding
from gateway.visitors.catalog import Catalog, CatalogEntry, Reading
from gateway.visitors.contradictions import contradictions, strikes
from gateway.visitors.exemptions import NOBODY, UNDECLARED, Exemptions
from gateway.visitors.list_owners import ListOwners
from gateway.visitors.networks import Networks, parse_address
from gateway.visitors.signature_agent import SignatureAgent, read_agent
from gateway.visitors.visitor import Visitor, VisitorClass
from gateway.visitors.weighing import Findings, Listed, Named, Signed, Surroundings, weigh

#: What is remembered of each kind; a stranger can send any number.
_REMEMBERED = 8192
#: Days after which a copy says nothing of a browser: addresses are let again.
_LET_AGAIN = 180
_DAY = 86_400


class Signatures(Protocol):
    """Judges signatures by keys at hand (`visitors.signatures`)."""

    def finding(self, ask: Ask, evidence: Evidence) -> Signed | Needs | None:
        """What the signature of *ask* shows; None where there is none."""
        ...


class HostNames(Protocol):
    """Judges the names of addresses by what DNS said (`visitors.host_names`)."""

    def finding(self, address: str, suffixes: tuple[str, ...], evidence: Evidence) -> Named | Needs | None:
        """What DNS says of a claim by *address* to be under one of *suffixes*; None where it says nothing."""
        ...


class Conduct(Protocol):
    """What networks did within the hour (`visitors.conduct`)."""

    def of(self, address: str, at: int) -> tuple[str, ...]:
        """Reason codes of the network of *address* at second *at*."""
        ...


@dataclass(frozen=True, slots=True)
class _Look:
    """What the headers alone say, and the visitor that makes where nothing else is found.

    *evident*: something in them speaks of a program, so that conduct may be asked about.
    """

    said: Reading
    signed: bool
    contradictions: tuple[str, ...]
    strikes: int
    alone: Visitor
    evident: bool


class Identifier:
    """Identifies visitors by one catalog and one set of networks; remembers what it weighed."""

    def __init__(
        self,
        catalog: Catalog,
        networks: Networks,
        *,
        signatures: Signatures | None = None,
        names: HostNames | None = None,
        conduct: Conduct | None = None,
        asn_of: Callable[[str], int] | None = None,
        headers: bool = True,
        ordered: bool = False,
        exempt: Exemptions = NOBODY,
    ) -> None:
        """Use *catalog* and *networks* for every answer, and the other proofs where they are given.

        *exempt* says what counts for nothing against whom (`visitors.exemptions`).

        *headers* says that asks hold every header that was sent; where they do
        not (an access log), a missing one means nothing; *ordered* says that they
        come in the order in which they were sent. *asn_of* gives the autonomous
        system of an address, or 0.
        """
        self.catalog = catalog
        self.networks = networks
        self._signatures, self._names, self._conduct, self._headers = signatures, names, conduct, headers
        self._asn_of, self._ordered, self._exempt = asn_of, ordered, exempt
        self._weighed: dict[tuple[str, str, int, tuple[str, ...]], Visitor] = {}
        self._made: dict[Visitor, Visitor] = {}
        self._owners = ListOwners(catalog)
        self._signers = _by_agent(catalog.crawlers)

    def take_up(self, networks: Networks) -> None:
        """Use *networks* from now on, and forget what was weighed by the ones before."""
        self.networks = networks
        self._weighed.clear()

    def exempt(self, exempt: Exemptions) -> None:
        """Hold against nobody what *exempt* says, from now on."""
        self._exempt = exempt

    def identify(self, ask: Ask, evidence: Evidence) -> Visitor | Needs:
        """Say who sent *ask*, as far as it and *evidence* show.

        Returns:
            A `Visitor`, or `Needs` for a proof that must be fetched first: asked
            again with what came, whatever it is, this answers.
        """
        look = self._look(ask)
        if look.said.entry is None and not look.signed:
            if self._exempt and (spared := self._exempt.of(ask.address)):
                return self._same(weigh(self._spared(ask, look, spared)))
            # Where no network did anything there is nothing to ask: an empty `Conduct` is false.
            if not self.networks.lists_of(ask.address) and not (look.evident and self._conduct):
                return look.alone
            found = self._unclaimed(ask, look)
            return self._same(weigh(found)) if found.conduct or found.surroundings else look.alone
        if look.signed:
            signed = self._findings(ask, evidence, look)
            return signed if isinstance(signed, Needs) else self._same(weigh(signed))
        seen = (ask.user_agent, ask.address, ask.asked_at // 60, self._conduct_of(ask))
        visitor = self._weighed.get(seen)
        if visitor is None:
            claimed = self._findings(ask, evidence, look)
            if isinstance(claimed, Needs):
                return claimed
            visitor = self._same(weigh(claimed))
            if len(self._weighed) >= _REMEMBERED:
                self._weighed.clear()
            self._weighed[seen] = visitor
        return visitor

    def findings(self, ask: Ask, evidence: Evidence) -> Findings | Needs:
        """Everything that `identify` weighs, for those who explain it."""
        look = self._look(ask)
        if look.said.entry is None and not look.signed:
            spared = self._exempt.of(ask.address)
            return self._spared(ask, look, spared) if spared else self._unclaimed(ask, look)
        return self._findings(ask, evidence, look)

    def _conduct_of(self, ask: Ask) -> tuple[str, ...]:
        return self._conduct.of(ask.address, ask.asked_at) if self._conduct is not None else ()

    def _look(self, ask: Ask) -> _Look:
        fields = ask.headers
        assert isinstance(fields, HeaderFields)
        key = (self, ask.method, ask.origin)
        look: _Look | None = fields.kept.get(key)
        if look is None:
            said = self.catalog.reading(ask.user_agent)
            signed = self._signatures is not None and ask.has("signature-input")
            codes: tuple[str, ...] = ()
            if self._headers and said.entry is None and said.visitor_class is VisitorClass.UNPROVEN:
                codes = contradictions(ask, ordered=self._ordered)
            count = strikes(codes)
            alone = self._same(weigh(Findings(said, contradictions=codes, strikes=count)))
            look = fields.kept[key] = _Look(said, signed, codes, count, alone, bool(said.reasons or count))
        return look

    def _same(self, visitor: Visitor) -> Visitor:
        """The one object for all visitors that are alike: rulings are remembered by it."""
        known = self._made.get(visitor)
        if known is None:
            if len(self._made) >= _REMEMBERED:
                self._made.clear()
            known = self._made[visitor] = visitor
        return known

    def _unclaimed(self, ask: Ask, look: _Look) -> Findings:
        around = self._surroundings(ask) if look.said.visitor_class is VisitorClass.UNPROVEN else None
        # What a neighbor did is no evidence about somebody who shows none.
        conduct = self._conduct_of(ask) if look.evident or around is not None else ()
        return Findings(
            look.said,
            surroundings=around,
            contradictions=look.contradictions,
            strikes=look.strikes,
            conduct=conduct,
        )

    def _spared(self, ask: Ask, look: _Look, spared: frozenset[str]) -> Findings:
        """What is found about somebody without a claim when *spared* does not count."""
        said = look.said
        # A network's exemption is for browsers: what says itself that it is a program needs one for its very words.
        words = self._exempt.reasons if said.declared else spared
        if said.reasons and words.issuperset(each.partition(":")[0] for each in said.reasons):
            said = Reading(VisitorClass.UNPROVEN)
        codes = tuple(each for each in look.contradictions if each.partition(":")[0] not in spared)
        plain = said.visitor_class is VisitorClass.UNPROVEN
        around = self._surroundings(ask) if plain and UNDECLARED not in spared else None
        shown = not plain or bool(codes) or around is not None
        conduct = self._conduct_of(ask) if shown else ()
        return Findings(
            said, surroundings=around, contradictions=codes, strikes=strikes(codes), conduct=conduct
        )

    def _findings(self, ask: Ask, evidence: Evidence, look: _Look) -> Findings | Needs:
        signature: Signed | None = None
        if self._signatures is not None and look.signed:
            judged = self._signatures.finding(ask, evidence)
            if isinstance(judged, Needs):
                return judged
            signature = judged
        signer = self._signers.get(signature.agent, ()) if signature is not None else ()
        said = look.said
        proven = signature is not None and signature.outcome == "verified" and bool(signer)
        entry = None if proven else said.entry or (signer[0] if signer else None)
        if entry is None:
            if signature is None:
                return self._unclaimed(ask, look)
            return Findings(said, signature=signature, signer=signer, conduct=self._conduct_of(ask))
        listed = self._listed(entry.recipe.networks, ask)
        named: Named | None = None
        # Asked behind a list that says no as well: lists grow, and a name that leads back is proof.
        if self._names is not None and entry.recipe.dns and (listed is None or listed.outcome != "in"):
            looked = self._names.finding(ask.address, entry.recipe.dns, evidence)
            if isinstance(looked, Needs):
                return looked
            named = looked
        return Findings(
            said,
            signature=signature,
            signer=signer,
            listed=listed,
            named=named,
            home=asn_finding(self._asn_of(ask.address), entry.recipe) if self._asn_of is not None else (),
            conduct=self._conduct_of(ask),
        )

    def _surroundings(self, ask: Ask) -> Surroundings | None:
        """The operator in whose network *ask* was sent.

        None where the copy of its list is long out of date, and where this
        gateway's operator added the prefix: that speaks for claims from there,
        and not about everybody else on a network of one's own.
        """
        found = self._owners.undeclared(self.networks, ask.address, ask.asked_at)
        if found is None:
            return None
        known = self.networks.lists[found.list_name]
        address = parse_address(ask.address)
        if abs(ask.asked_at - known.checked_at) > _LET_AGAIN * _DAY:
            return None
        if any(address in prefix for prefix in known.own):
            return None
        reasons = (found.reason, *self._stale(found.list_name, ask), *self._dated((found.list_name,)))
        return Surroundings(found.operator, found.entries if found.ai else (), reasons, old=not found.fresh)

    def _listed(self, names: tuple[str, ...], ask: Ask) -> Listed | None:
        if not names:
            return None
        if parse_address(ask.address) is None:
            return Listed("unknown", ("ip_unknown",))
        holding = self.networks.lists_of(ask.address)
        for name in names:
            if name in holding:
                stale = self._stale(name, ask)
                return Listed("in", (f"ip_in:{name}", *stale, *self._dated((name,))), old=bool(stale))
        reasons = tuple(f"ip_not_in:{name}" for name in names)
        doubts = tuple(doubt for name in names for doubt in self._doubts(name, ask))
        return Listed("unknown" if doubts else "out", (*reasons, *doubts, *self._dated(names)))

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

    def _dated(self, names: Iterable[str]) -> tuple[str, ...]:
        known = filter(None, map(self.networks.get, names))
        return tuple(
            f"ip_list_dated:{each.name}@{datetime.fromtimestamp(each.checked_at, UTC):%Y-%m-%d}"
            for each in known
        )


def _by_agent(entries: Iterable[CatalogEntry]) -> dict[str, tuple[CatalogEntry, ...]]:
    """The entries by the agent that a signature of theirs names."""
    found: dict[str, tuple[CatalogEntry, ...]] = {}
    for entry in entries:
        agent = read_agent(entry.recipe.signature)
        if isinstance(agent, SignatureAgent):
            found[agent.url] = (*found.get(agent.url, ()), entry)
    return found
