"""One ``<license>`` of RSL 1.0 (2025-12-10, errata to 2026-08-07): what it grants, rendered and read.

It stands in license.xml (`terms.rsl`), in pages and feeds (`terms.rsl_embedding`)
and alone in a token request of OLP (section 5.4.2). Uses map by name;
`fine-tune` is inside ``ai-train`` and `tdm` has no word. Lost in this format, and
said elsewhere (the 402, the desk): an offer of `fine-tune` or `tdm` alone,
renditions, redistribution and the other purposes, exclusivity, most duties,
what a territory is a limit of, and every part of a price but one. An ``<amount>``
is stated where it is the whole price and its unit follows from the type: not for
a subscription, which has no period here, and not in what is no currency of
ISO 4217. All parts stand in an element of our own namespace, which others ignore.

Read strictly and leniently at once: `Notes` gain every breach, and what is read
never grants more than what was written. Beside an unknown permit what is known
is granted, and the rest withheld; whatever may hide a condition (an element, an attribute, an axis, a prohibition that
RSL does not know) withholds everything. No ``<permits type="usage">`` grants
nothing, no ``<payment>`` states no price. Pure; raises nothing on any input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import WORLDWIDE, Offer, PublishedTerms, Territory
from gateway.terms.rsl_legal import add_duties, read_legal, read_reporting
from gateway.terms.rsl_payment import add_payment, payment_of, price_parts, read_payment
from gateway.terms.rsl_xml import (
    NAMESPACE,
    OUR_NAMESPACE,
    Notes,
    RslError,
    add,
    children,
    clean,
    is_extension,
    is_rsl,
    name_of,
    parse_xml,
    tag,
    without_declaration,
)
from gateway.uses import AI_USES, Use, Uses

_MOST_OCTETS: Final = 64 * 1024
_WORDS: dict[str, Uses] = {
    "search": frozenset({Use.SEARCH}),
    "ai-input": frozenset({Use.AI_INPUT}),
    "ai-index": frozenset({Use.AI_INDEX}),
    "ai-train": frozenset({Use.AI_TRAIN}),
    "train-ai": frozenset({Use.AI_TRAIN}),  # the draft of July 2025
    "ai-all": AI_USES,
    "all": AI_USES | {Use.SEARCH},
}
#: The uses that RSL has a word for.
WORDED: Uses = _WORDS["all"]
_USERS: Final = frozenset({"commercial", "non-commercial", "education", "government", "personal"})
_AXES: Final = frozenset({"usage", "user", "geo"})


@dataclass(frozen=True, slots=True)
class RslLicense:
    """One ``<license>``, normalized: what it grants, where, to whom, for what.

    *uses* are permitted and not prohibited. *excluded* countries only go with a
    worldwide *territory*. *users* is None for everybody. *payment* is RSL's word,
    or "" where none is stated. *reporting* are profiles a licensee must satisfy.
    *legal* holds types with their text. The rest does not count when licenses are
    compared.
    """

    uses: Uses
    territory: Territory = WORLDWIDE
    excluded: frozenset[str] = frozenset()
    users: frozenset[str] | None = None
    payment: str = ""
    amount: Money | None = None
    reporting: frozenset[str] = frozenset()
    prohibited: frozenset[str] = field(default=frozenset(), compare=False)
    standard: str = field(default="", compare=False)
    custom: str = field(default="", compare=False)
    accepts: tuple[str, ...] = field(default=(), compare=False)
    legal: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    offer: str = field(default="", compare=False)

    def same_as(self, other: RslLicense) -> bool:
        """Whether both grant the same on the same terms; a license that grants nothing is like no other."""
        return self.within(other) and other.within(self)

    def within(self, wider: RslLicense) -> bool:
        """Whether this grants something, and nothing beyond *wider*, at the very same price."""
        ours = self.territory.countries
        return (
            bool(self.uses)
            and self.uses <= wider.uses
            and self.territory.within(wider.territory)
            and (
                wider.excluded <= self.excluded if self.territory == WORLDWIDE else not ours & wider.excluded
            )
            and (wider.users is None or (self.users is not None and self.users <= wider.users))
            and (self.payment, self.amount) == (wider.payment, wider.amount)
            and wider.reporting <= self.reporting
        )


#: What withholds everything.
NOTHING: Final = RslLicense(frozenset(), prohibited=frozenset({"all"}))


# Publishing


def license_of(offer: Offer) -> RslLicense:
    """What the license element of *offer* grants and asks; `uses` is empty where RSL has no word for it."""
    payment, amount = payment_of(offer)
    return RslLicense(
        uses=offer.uses & WORDED,
        territory=offer.terms.territory,
        payment=payment,
        amount=amount,
        offer=offer.id,
    )


def add_license(
    content: etree._Element, offer: Offer, uses: Uses, prohibited: Uses, terms: PublishedTerms
) -> None:
    """Append the license element of *offer* for *uses* of it.

    It withholds *prohibited*, whatever a wider scope grants.
    """
    granted = license_of(offer)
    element = add(content, "license")
    add(element, "permits", " ".join(sorted(uses)), type="usage")
    if prohibited:
        add(element, "prohibits", " ".join(sorted(prohibited)), type="usage")
    if granted.territory.regions is not None:
        add(element, "permits", " ".join(sorted(granted.territory.regions)), type="geo")
    add_payment(element, offer, terms)
    add_duties(element, offer, terms)
    ours = etree.SubElement(element, tag(OUR_NAMESPACE, "offer"), nsmap={"licet": OUR_NAMESPACE})
    ours.set("id", clean(offer.id))
    ours.set("terms", offer.terms.hash)
    ours.set("months", str(offer.terms.term.months))
    for name, money in price_parts(offer):
        part = etree.SubElement(ours, tag(OUR_NAMESPACE, "price"), part=name, currency=money.currency)
        part.text = money.amount
        if name == "subscription":
            part.set("months", str(offer.terms.compensation.subscription_months))
    if offer.terms.compensation.revenue_share_bp:
        part = etree.SubElement(ours, tag(OUR_NAMESPACE, "price"), part="revenue-share")
        part.text = f"{Money(offer.terms.compensation.revenue_share_bp * 10_000, 'XXX').amount} %"


# Reading


def parse_license(text: str) -> RslLicense | Refusal:
    """Read the one ``<license>`` element of an OLP token request, with or without namespace or prefix."""
    try:
        octets = without_declaration(text).encode()
    except UnicodeEncodeError:
        return _not_offered("the license is not Unicode text")
    if len(octets) > _MOST_OCTETS:
        return _not_offered("the license is too long")
    # A raw part of a document lacks the declarations that stood further out.
    names = f'xmlns="{NAMESPACE}" xmlns:rsl="{NAMESPACE}" xmlns:licet="{OUR_NAMESPACE}"'
    root = parse_xml(f"<sent {names}>".encode() + octets + b"</sent>", _MOST_OCTETS + 1024)
    if isinstance(root, RslError):
        return _not_offered(f"the license cannot be read: {root.why}")
    if len(root) != 1 or root[0].tag != tag(NAMESPACE, "license"):
        return _not_offered("one license element of RSL is expected")
    if (root.text or "").strip() or (root[0].tail or "").strip():
        return _not_offered("there is text around the license element")
    return read_license(root[0], Notes())


def _not_offered(why: str) -> Refusal:
    return Refusal(Problem.LICENSE_NOT_OFFERED, f"{why[:1].upper()}{why[1:]}.")


def read_license(element: etree._Element, notes: Notes) -> RslLicense:
    """Read one license element; *notes* gain every breach."""
    clear = _known(element, notes)
    uses, prohibited, plain = _read_uses(element, notes)
    places = _read_places(element, notes)
    users, known = _read_users(element, notes)
    payment = read_payment(element, notes)
    reporting = [read_reporting(each, notes) for each in children(element, "reporting")]
    legal = tuple(read_legal(element, notes))
    offer = element.find(tag(OUR_NAMESPACE, "offer"))
    if not (clear and plain and known and places is not None):
        uses, prohibited = frozenset(), prohibited | {"all"}
    territory, excluded = places or (Territory(frozenset()), frozenset[str]())
    return RslLicense(
        uses=uses,
        territory=territory,
        excluded=excluded,
        users=users,
        payment=payment.word,
        amount=payment.amount,
        reporting=frozenset(reporting),
        prohibited=prohibited,
        standard=payment.standard,
        custom=payment.custom,
        accepts=payment.accepts,
        legal=legal,
        offer="" if offer is None else offer.get("id", ""),
    )


_INSIDE: Final = {
    "license": ({"permits", "prohibits", "payment", "reporting", "legal"}, set[str]()),
    "permits": (set[str](), {"type"}),
    "prohibits": (set[str](), {"type"}),
    "payment": ({"standard", "custom", "amount", "accepts"}, {"type"}),
    "standard": (set[str](), set[str]()),
    "custom": (set[str](), set[str]()),
    "amount": (set[str](), {"currency"}),
    "accepts": (set[str](), {"type"}),
    "reporting": (set[str](), {"type", "profile", "endpoint"}),
    "legal": (set[str](), {"type"}),
}
#: What stands in the wrong place and is no condition of a license.
_HARMLESS: Final = frozenset({"copyright", "terms", "legal", "schema", "alternate"})


def _known(element: etree._Element, notes: Notes) -> bool:
    """Whether *element* holds nothing that may be a condition which is not understood."""
    known = True
    name = name_of(element)
    inside, attributes = _INSIDE[name]
    for key in element.attrib:
        if not str(key).startswith("{") and key not in attributes:
            notes.error(element, "3", f"{name} has no attribute {str(key)[:64]}")
            known = False
    for child in element:
        called = name_of(child)
        if is_rsl(child) and called in inside:
            known = _known(child, notes) and known
        elif called in _HARMLESS:
            notes.error(child, "3", f"{called} does not stand in {name}")
        elif called:
            notes.error(child, "3", f"there is no element {called[:64]} in {name}")
            known = False
    return known


def _tokens(element: etree._Element, verb: str, axis: str, notes: Notes) -> list[list[str]]:
    """The tokens of one axis, element by element."""
    found = [each for each in children(element, verb) if each.get("type", "") == axis]
    section = "3.5" if verb == "permits" else "3.6"
    if len(found) > 1:
        notes.error(found[1], section, f"a license has one {verb} of type {axis} at most")
    told = []
    for each in found:
        text = " ".join([each.text or "", *(child.tail or "" for child in each)])
        if "," in text:
            notes.error(each, section, "tokens are separated by spaces, not commas")
        told.append([token for token in re.split(r"[\s,]+", text) if token])
        if not told[-1]:
            notes.error(each, section, f"{verb} of type {axis} names nothing")
    return told


def _read_uses(element: etree._Element, notes: Notes) -> tuple[Uses, frozenset[str], bool]:
    """What is permitted and not prohibited, the prohibitions as written, and whether all of it was understood."""
    understood, lost = True, False
    for verb, section in (("permits", "3.5"), ("prohibits", "3.6")):
        for each in children(element, verb):
            if each.get("type", "") not in _AXES:
                notes.error(each, section, f"{verb} has type usage, user or geo")
                understood = False
    permitted = _tokens(element, "permits", "usage", notes)
    prohibited = [token for told in _tokens(element, "prohibits", "usage", notes) for token in told]
    unknown = {*(token for told in permitted for token in told), *prohibited} - (set(_WORDS) - {"train-ai"})
    for word in sorted(unknown):
        if word in _WORDS:
            notes.error(element, "3.4.1.1", f"{word} is a word of the draft; it is ai-train")
        elif not is_extension(word, element):
            notes.error(element, "3.4.1.1", f"there is no usage {word[:64]}")
            understood = understood and word not in prohibited
            lost = True
    barred = _spelled_out(prohibited)
    lost = lost or not all(permitted)
    if not permitted and barred != WORDED:
        notes.warn(element, "3.1.1", "a license without permits of type usage grants nothing")
    granted = _spelled_out(token for told in permitted for token in told)
    if granted & barred:
        notes.warn(
            element, "3.6", f"{' '.join(sorted(granted & barred))}: permitted and prohibited, so not licensed"
        )
    if lost:  # a wider scope, perhaps a cheaper one, must not fill in for a word that is not understood
        prohibited += [str(use) for use in WORDED - granted]
    return granted - barred, frozenset(prohibited), understood


def _spelled_out(tokens: Iterable[str]) -> Uses:
    return frozenset[Use]().union(*(_WORDS.get(token, frozenset()) for token in tokens))


def _read_users(element: etree._Element, notes: Notes) -> tuple[frozenset[str] | None, bool]:
    """Who is licensed, None for everybody, and whether no prohibition hides somebody."""
    permitted = _tokens(element, "permits", "user", notes)
    barred = {token for told in _tokens(element, "prohibits", "user", notes) for token in told}
    known = True
    for word in sorted({token for told in permitted for token in told} | barred):
        if word not in _USERS and not is_extension(word, element):
            notes.error(element, "3.4.1.2", f"there is no user {word[:64]}")
            known = known and word not in barred
    if not permitted and not barred:
        return None, known
    return _USERS.intersection(*map(frozenset, permitted)) - barred, known


def _read_places(element: etree._Element, notes: Notes) -> tuple[Territory, frozenset[str]] | None:
    """Where it holds and which countries a worldwide one leaves out; None where a prohibition is not understood."""
    permitted = [frozenset(told) for told in _tokens(element, "permits", "geo", notes)]
    barred = frozenset(token for told in _tokens(element, "prohibits", "geo", notes) for token in told)
    odd = {token for token in frozenset[str]().union(barred, *permitted) if not _COUNTRY.fullmatch(token)}
    for word in sorted(odd):
        notes.error(element, "App. A", f"{word[:64]} is no country of two letters")
    if odd & barred:
        return None
    out = Territory(barred).countries
    if not permitted:
        return WORLDWIDE, out
    named = [Territory(told - odd) for told in permitted]
    if len(named) == 1 and not out:
        return named[0], frozenset()
    return Territory(frozenset.intersection(*(each.countries for each in named)) - out), frozenset()


_COUNTRY: Final = re.compile("[A-Z]{2}")
