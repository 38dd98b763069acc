"""One ``<license>`` of RSL 1.0 (2025-12-10, errata to 2026-08-07): what it grants, rendered and read.

It stands in license.xml (`terms.rsl`) and alone in a token request of OLP
(section 5.4.2). Uses map by name; `fine-tune` is inside ``ai-train`` and `tdm` has
no word. Lost in this format, and said elsewhere (the 402, the desk): an offer of
`fine-tune` or `tdm` alone, renditions, redistribution and the other purposes,
exclusivity, duties, and every part of a price but one. An offer whose price has
several parts states no ``<amount>``, because one part alone would be too cheap;
all parts stand in an element of our own namespace, which other readers ignore.

Where the specification is silent: no ``<permits type="usage">`` grants nothing, no
``<payment>`` states no price, an unknown permit is dropped, an unknown
prohibition kept. Reading never expands rights. No DTD, no entities, no network;
pure; raises nothing on any input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from gateway.money import Money, MoneyError
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import WORLDWIDE, Offer, PublishedTerms, Territory
from gateway.uses import AI_USES, Use, Uses

NAMESPACE: Final = "https://rslstandard.org/rsl"
#: Elements of ours, to be ignored by everybody else.
OUR_NAMESPACE: Final = "urn:licet:rsl:1"
_MOST_OCTETS: Final = 64 * 1024
_DEEPEST: Final = 32

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
_PAYMENTS = {"inference": "use"}  # the draft's name
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
tag = "{{{}}}{}".format


@dataclass(frozen=True, slots=True)
class RslError:
    """Why a document says nothing: *why* is a clause for people. What it governs is unlicensed."""

    why: str


@dataclass(frozen=True, slots=True)
class RslLicense:
    """One ``<license>``, normalized: what it grants, where, to whom, for what.

    *uses* are permitted and not prohibited. *excluded* countries only go with a
    worldwide *territory*. *users* is None for everybody. *payment* is RSL's word,
    or "" where none is stated. *reporting* are profiles a licensee must satisfy.
    The rest does not count when licenses are compared.
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
            and self.reporting == wider.reporting
        )


# Publishing


def license_of(offer: Offer) -> RslLicense:
    """What the license element of *offer* grants and asks; `uses` is empty where RSL has no word for it."""
    payment, amount = _payment(offer)
    return RslLicense(
        uses=offer.uses & WORDED,
        territory=offer.terms.territory,
        payment=payment,
        amount=amount,
        offer=offer.id,
    )


def _payment(offer: Offer) -> tuple[str, Money | None]:
    price = offer.terms.compensation
    if price.is_free:
        credit = offer.terms.attribution
        return ("attribution" if credit.text or credit.link else "free"), None
    worded = {
        "subscription": price.subscription,
        "purchase": price.upfront,
        "crawl": price.per_fetch,
        "use": price.per_inference,
    }
    stated = [(word, money) for word, money in worded.items() if money]
    if len(stated) == 1 and not price.revenue_share_bp and len([part for part in price.parts() if part]) == 1:
        return stated[0]
    if stated:
        return stated[0][0], None
    if price.per_item:
        return "purchase", None
    if price.per_megabyte or price.per_thousand_tokens:
        return "crawl", None
    return ("training" if Use.AI_TRAIN in offer.uses else "use"), None


def add_license(content: etree._Element, offer: Offer, prohibited: Uses, terms: PublishedTerms) -> None:
    """Append the license element of *offer*, which withholds *prohibited* whatever a wider scope grants."""
    granted = license_of(offer)
    element = add(content, "license")
    add(element, "permits", " ".join(sorted(granted.uses)), type="usage")
    if prohibited:
        add(element, "prohibits", " ".join(sorted(prohibited)), type="usage")
    if granted.territory.regions is not None:
        add(element, "permits", " ".join(sorted(granted.territory.regions)), type="geo")
    payment = add(element, "payment", type=granted.payment)
    if granted.amount is not None:
        add(payment, "amount", granted.amount.amount, currency=granted.amount.currency)
    elif granted.payment != "free":
        add(payment, "custom", f"{terms.desk_url}/")
    ours = etree.SubElement(element, tag(OUR_NAMESPACE, "offer"), nsmap={"licet": OUR_NAMESPACE})
    ours.set("id", _xml(offer.id))
    ours.set("terms", offer.terms.hash)
    ours.set("months", str(offer.terms.term.months))
    for name, money in _price_parts(offer):
        part = etree.SubElement(ours, tag(OUR_NAMESPACE, "price"), part=name, currency=money.currency)
        part.text = money.amount
    if offer.terms.compensation.revenue_share_bp:
        part = etree.SubElement(ours, tag(OUR_NAMESPACE, "price"), part="revenue-share")
        part.text = f"{Money(offer.terms.compensation.revenue_share_bp * 10_000, 'XXX').amount} %"


def _price_parts(offer: Offer) -> Iterator[tuple[str, Money]]:
    price = offer.terms.compensation
    for name in type(price).__dataclass_fields__:
        value = getattr(price, name)
        if isinstance(value, Money):
            yield name.replace("_", "-"), value


def add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    """Append an RSL element; whatever XML cannot hold is left out of its text and attributes."""
    element = etree.SubElement(parent, tag(NAMESPACE, name))
    for key, value in attributes.items():
        element.set(key, _xml(value))
    if text:
        element.text = _xml(text)
    return element


def _xml(text: str) -> str:
    return _NOT_XML.sub("", text)


# Reading


def parse_license(text: str) -> RslLicense | Refusal:
    """Read the one ``<license>`` element of an OLP token request, with or without namespace or prefix."""
    try:
        octets = _DECLARATION.sub("", text.removeprefix("\ufeff"), count=1).encode()
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
    return read_license(root[0], {})


def _not_offered(why: str) -> Refusal:
    return Refusal(Problem.LICENSE_NOT_OFFERED, f"{why[:1].upper()}{why[1:]}.")


def parse_xml(octets: bytes, most: int) -> etree._Element | RslError:
    """Read XML of at most *most* octets from a stranger, without DTD, entities or network."""
    if len(octets) > most:
        return RslError(f"it is larger than {most} octets")
    coding = "utf-16" if octets[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = octets.decode(coding)
    except UnicodeDecodeError:
        return RslError("it is neither UTF-8 nor UTF-16")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return RslError("it declares a document type or entities")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True, recover=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(_DECLARATION.sub("", text, count=1).encode(), parser)
    except (etree.LxmlError, ValueError):
        return RslError("it is not well-formed XML")
    if root is None or any(True for _ in _below(root, _DEEPEST)):
        return RslError(f"it is nested deeper than {_DEEPEST} elements")
    return root


def _below(root: etree._Element, depth: int) -> Iterator[etree._Element]:
    """The elements deeper than *depth*."""
    level: list[etree._Element] = [root]
    for _ in range(depth):
        level = [child for element in level for child in element]
        if not level:
            return
    yield from level


def text_of(element: etree._Element, name: str) -> str:
    """The text of the RSL child *name*, or ""."""
    return (element.findtext(tag(NAMESPACE, name)) or "").strip()


def _tokens(element: etree._Element, verb: str, axis: str, notes: dict[str, None]) -> list[str] | None:
    """All tokens of one axis, or None where nothing is said about it."""
    found = [each for each in element.findall(tag(NAMESPACE, verb)) if each.get("type", "") == axis]
    texts = ["".join(str(text) for text in each.itertext()) for each in found]
    if len(found) > 1:
        notes.setdefault(f"a license has several {verb} of type {axis}")
    if any("," in text for text in texts):
        notes.setdefault("tokens are separated by spaces, not commas")
    return [token for text in texts for token in re.split(r"[\s,]+", text) if token] if found else None


def read_license(element: etree._Element, notes: dict[str, None]) -> RslLicense:
    """Read one license element; *notes* gains what it does that RSL 1.0 does not know."""
    uses, prohibited = _read_uses(element, notes)
    territory, excluded = _read_places(element, notes)
    users = _tokens(element, "permits", "user", notes)
    barred = _tokens(element, "prohibits", "user", notes)
    allowed = frozenset(users) & _USERS if users is not None else _USERS if barred else None
    payment = element.find(tag(NAMESPACE, "payment"))
    word = (payment.get("type") or "unstated") if payment is not None else ""
    reporting = {each.get("profile", "") for each in element.findall(tag(NAMESPACE, "reporting"))}
    offer = element.find(tag(OUR_NAMESPACE, "offer"))
    return RslLicense(
        uses=uses,
        territory=territory,
        excluded=excluded,
        users=None if allowed is None else allowed - frozenset(barred or ()),
        payment=_PAYMENTS.get(word, word),
        amount=None if payment is None else _read_amount(payment, notes),
        reporting=frozenset(reporting),
        prohibited=prohibited,
        standard="" if payment is None else text_of(payment, "standard"),
        custom="" if payment is None else text_of(payment, "custom"),
        offer="" if offer is None else offer.get("id", ""),
    )


def _read_uses(element: etree._Element, notes: dict[str, None]) -> tuple[Uses, frozenset[str]]:
    for verb in ("permits", "prohibits"):
        for each in element.findall(tag(NAMESPACE, verb)):
            if each.get("type", "") not in {"usage", "user", "geo"}:
                notes.setdefault(f"{verb} has type usage, user or geo")
    permitted = _tokens(element, "permits", "usage", notes)
    prohibited = _tokens(element, "prohibits", "usage", notes) or []
    for word in sorted({*(permitted or ()), *prohibited} - (set(_WORDS) - {"train-ai"})):
        notes.setdefault(f"there is no usage {word[:64]} in RSL 1.0")
    if permitted is None and "all" not in prohibited:
        notes.setdefault("a license without permits of type usage grants nothing")
    barred = _spelled_out(prohibited)
    return _spelled_out(permitted or ()) - barred, frozenset(prohibited)


def _spelled_out(tokens: Iterable[str]) -> Uses:
    return frozenset[Use]().union(*(_WORDS.get(token, frozenset()) for token in tokens))


def _read_places(element: etree._Element, notes: dict[str, None]) -> tuple[Territory, frozenset[str]]:
    permitted = _tokens(element, "permits", "geo", notes)
    barred = Territory(frozenset(_tokens(element, "prohibits", "geo", notes) or ())).countries
    if permitted is None:
        return WORLDWIDE, barred
    places = frozenset(token for token in permitted if re.fullmatch("[A-Z]{2}", token))
    return Territory(Territory(places).countries - barred if barred else places), frozenset()


def _read_amount(payment: etree._Element, notes: dict[str, None]) -> Money | None:
    amount = payment.find(tag(NAMESPACE, "amount"))
    if amount is None:
        return None
    text = (amount.text or "").strip()
    text = text.rstrip("0").rstrip(".") if "." in text else text
    try:
        return Money.parse(text, amount.get("currency", ""))
    except MoneyError:
        notes.setdefault("an amount is no decimal with a currency of three letters")
        return None
