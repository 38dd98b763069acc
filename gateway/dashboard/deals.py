"""Negotiations as the operator sees them: which are listed, and everything about one.

A list is a query string, the same under ``/deals`` and each of its forms
(``/deals.csv`` and the rest of `exports.FORMATS`)::

    stand   waiting (for you), open, ended
    site    the id of a site
    offer   the id of an offer
    text    a piece of a negotiation's or license's id, or of a buyer's name
    columns names of its columns, with commas between or given again: what is shown
    sort    one of `SORTS`, with ``-`` before it the other way round
    after   the place of the last row of the page before; see `place_in`

Floors stand on the page of one negotiation and nowhere else: no list, no
export, no letter has them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from gateway.dashboard.columns import columns_of
from gateway.dashboard.filters import rfc3339
from gateway.dashboard.sorting import BY_ITSELF, Order, order_of
from gateway.licenses.checklist import Item, checklist
from gateway.licenses.contract import Party
from gateway.licenses.deciding import Deciding
from gateway.licenses.letters import Letter, letters_of
from gateway.licenses.license import Licensee, Standing
from gateway.licenses.negotiation import Entry, Negotiation, chained
from gateway.licenses.negotiations import ORDERS, Negotiations, Place, Sought, Stand, place_of, stand_of
from gateway.licenses.plain_words import Beside, beside, lever_words, price_words
from gateway.licenses.position import FACTS, Position, ratio
from gateway.licenses.private_links import PrivateLink, PrivateLinks
from gateway.licenses.red_flags import RedFlag, red_flags
from gateway.licenses.register import LicenseRegister
from gateway.money import MICROS
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import LicenseTerms, Offer
from gateway.terms.scaling import scaled

PAGE_ROWS: Final = 50
_LONGEST: Final = 120
_LONGEST_PLACE: Final = 400
#: What is read once; ``columns`` may be given again.
_KEYS: Final = ("stand", "site", "offer", "text", "sort", "after")
#: What the list can be sorted by.
SORTS: Final = ORDERS
#: The columns of the list and their headings, in the order of its exports.
COLUMNS: Final[Mapping[str, str]] = {
    "id": "Negotiation", "stand": "Stand", "state": "State", "site": "Site", "offer": "Offer",
    "licensee": "Licensee", "buyer": "Buyer", "started": "Began (UTC)", "last": "Last word (UTC)",
    "price": "Price now", "why": "Why", "license": "License", "version": "Version",
}  # fmt: skip
_STREAMED: Final = 200


@dataclass(frozen=True, slots=True)
class Deals:
    """What the pages of negotiations work on.

    *position* gives the creator's own position for an offer of a site, *signing*
    who the creator is there, and *links* the private pages of people who buy in
    a browser.
    """

    negotiations: Negotiations
    register: LicenseRegister
    deciding: Deciding
    position: Callable[[str, Offer], Position]
    signing: Callable[[str], Party]
    links: PrivateLinks


@dataclass(frozen=True, slots=True)
class DealFilter:
    """A query string once read; *mistakes* and *notes* are pairs of key and sentence, *given* what was typed.

    *next* is the ``after`` of the page behind this one, "" where there is none or it was not asked.
    """

    stand: Stand | None = None
    site: str = ""
    offer: str = ""
    text: str = ""
    after: Place | None = None
    columns: tuple[str, ...] = ()
    order: Order = BY_ITSELF
    given: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[tuple[str, str], ...] = ()
    mistakes: tuple[tuple[str, str], ...] = ()
    next: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.stand or self.site or self.offer or self.text)

    def query(self, **changes: str | None) -> str:
        """The filter as a query string without its page; *changes* set or (None) drop keys."""
        pairs: dict[str, str | None] = {
            "stand": self.stand,
            "site": self.site,
            "offer": self.offer,
            "text": self.text,
            "columns": ",".join(self.columns) or None,
            "sort": self.order.said or None,
        }
        return urlencode([(key, value) for key, value in (pairs | changes).items() if value])


def read_filter(pairs: Iterable[tuple[str, str]]) -> DealFilter:
    """Read the *pairs* of a query string; raises nothing."""
    given: dict[str, str] = {}
    notes, mistakes, named = [], [], list[str]()
    for key, value in pairs:
        if key == "columns":
            named.append(value)
        elif key not in _KEYS:
            notes.append((key, f"{key[:40]} is no part of this filter and was left out"))
        elif key in given:
            mistakes.append((key, "stands there twice"))
        elif len(value) > (_LONGEST_PLACE if key == "after" else _LONGEST) or not value.isprintable():
            mistakes.append((key, f"is no text of at most {_LONGEST} characters"))
        else:
            given[key] = value.strip()
    stand = given.get("stand", "")
    if stand and stand not in set(Stand):
        mistakes.append(("stand", f"is none of {', '.join(Stand)}"))
    columns, order = columns_of(",".join(named), COLUMNS), BY_ITSELF
    if isinstance(columns, str):
        mistakes.append(("columns", columns))
    if given.get("sort"):
        asked = order_of(given["sort"], SORTS)
        if isinstance(asked, str):
            mistakes.append(("sort", asked))
        else:
            order = asked
    after = _place(given.get("after", ""), order.name)
    if given.get("after") and after is None:
        mistakes.append(("after", "names no row; begin with the first page"))
    if mistakes or isinstance(columns, str):
        return DealFilter(given=given, notes=tuple(notes), mistakes=tuple(mistakes))
    site, offer, text = (given.get(key, "") for key in ("site", "offer", "text"))
    chosen = Stand(stand) if stand else None
    return DealFilter(chosen, site, offer, text, after, columns, order, given, tuple(notes))


def place_in(negotiation: Negotiation, order: Order) -> str:
    """The ``after`` of the page behind *negotiation*: when it began, its id, and what the list goes by."""
    place = place_of(negotiation, order.name)
    return f"{place.started_at}.{place.id}.{place.by}"


def _place(after: str, order: str) -> Place | None:
    """The place that *after* names in *order*; None where it is none."""
    started, id, by = (*after.split(".", 2), "", "")[:3]
    number = started.isascii() and started.isdecimal() and len(started) <= 18
    if not (number and id) or (not order and by not in set(Stand)):
        return None
    return Place(by if order != "started" else started, int(started), id)


@dataclass(frozen=True, slots=True)
class DealRow:
    """One line of the list."""

    negotiation: Negotiation
    buyer: str

    @property
    def stand(self) -> Stand:
        """Whom it waits for."""
        return stand_of(self.negotiation)

    @property
    def price(self) -> str:
        """What is on the table, or was proposed, in words."""
        return price_words(
            self.negotiation.table or self.negotiation.proposal or self.negotiation.offer.terms
        )

    @property
    def why(self) -> str:
        """Why it waits for a person, or how it ended."""
        return "; ".join(self.negotiation.person) or self.negotiation.why

    @property
    def at_us(self) -> int:
        """When something was said last, in microseconds."""
        said = self.negotiation.transcript
        return (said[-1].at if said else self.negotiation.started_at) * 1_000_000


async def rows_of(
    deals: Deals, sought: DealFilter, *, most: int, behind: Place | None = None
) -> tuple[DealRow, ...]:
    """The lines of the list that *sought* means, from the first on or *behind* a place of its order."""
    wanted, named = sought.text.lower(), list[str]()
    if wanted:
        named = [each.id for each in await deals.register.licensees() if wanted in each.name.lower()]
    found = await deals.negotiations.search(
        Sought(
            sought.stand,
            sought.site,
            sought.offer,
            sought.text,
            frozenset(named),
            sought.order.name,
            sought.order.falls,
        ),
        most=most,
        behind=behind,
    )
    names = {id: await deals.register.licensee(id) for id in {each.licensee for each in found}}
    return tuple(DealRow(each, _called(each.licensee, names[each.licensee])) for each in found)


async def page_of(deals: Deals, sought: DealFilter) -> tuple[tuple[DealRow, ...], DealFilter]:
    """The lines of the page that *sought* names, and the filter with what follows it."""
    rows = await rows_of(deals, sought, most=PAGE_ROWS + 1, behind=sought.after)
    shown = rows[:PAGE_ROWS]
    more = place_in(shown[-1].negotiation, sought.order) if len(rows) > PAGE_ROWS else ""
    return shown, replace(sought, next=more)


def _called(id: str, found: Licensee | None) -> str:
    return found.name if found else id


_CELLS: Final[dict[str, Callable[[DealRow], str]]] = {
    "id": lambda row: row.negotiation.id,
    "stand": lambda row: str(row.stand),
    "state": lambda row: str(row.negotiation.state),
    "site": lambda row: row.negotiation.offer.site,
    "offer": lambda row: row.negotiation.offer.id,
    "licensee": lambda row: row.negotiation.licensee,
    "buyer": lambda row: row.buyer,
    "started": lambda row: rfc3339(row.negotiation.started_at * 1_000_000),
    "last": lambda row: rfc3339(row.at_us),
    "price": lambda row: row.price,
    "why": lambda row: row.why,
    "license": lambda row: row.negotiation.license,
    "version": lambda row: row.negotiation.version,
}


def cells(row: DealRow) -> dict[str, str]:
    """One line as an export names and orders its cells."""
    return {name: cell(row) for name, cell in _CELLS.items()}


async def _all(deals: Deals, sought: DealFilter) -> AsyncIterator[DealRow]:
    behind: Place | None = None
    while rows := await rows_of(deals, sought, most=_STREAMED, behind=behind):
        for row in rows:
            yield row
        behind = place_of(rows[-1].negotiation, sought.order.name)


async def each_deal(deals: Deals, sought: DealFilter) -> AsyncIterator[Mapping[str, str]]:
    """The cells of every line that the filter finds."""
    async for row in _all(deals, sought):
        yield cells(row)


#: The names of those cells.
CELL_NAMES: Final = tuple(_CELLS)
assert tuple(COLUMNS) == CELL_NAMES


@dataclass(frozen=True, slots=True)
class Limit:
    """One part of the price as the creator alone sees it: what is asked, hoped for, and the least."""

    name: str
    ask: str
    target: str
    floor: str


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of the transcript for people: *told* in a sentence, *body* as indented JSON."""

    entry: Entry
    told: str
    body: str


@dataclass(frozen=True)
class DealPage:
    """Everything about one negotiation.

    *rows* compare what the buyer proposed with what is published, *table* is
    what is on the table in words; *limits* and *bidden* (the part of the price
    that is bid, in percent, and whether that is below the floor) are the
    creator's own.
    """

    negotiation: Negotiation
    buyer: Licensee | None
    link: PrivateLink | None
    rows: tuple[Beside, ...]
    table: Mapping[Lever, str]
    flags: tuple[RedFlag, ...]
    limits: tuple[Limit, ...]
    bidden: int
    below: bool
    items: tuple[Item, ...]
    transcript: tuple[Said, ...]
    whole: bool
    letters: tuple[Letter, ...]
    others: tuple[Negotiation, ...]

    @property
    def name(self) -> str:
        """What the buyer is called."""
        return self.buyer.name if self.buyer else self.negotiation.licensee

    @property
    def known(self) -> bool:
        """Whether the operator or somebody's proof stands for the buyer."""
        active = self.buyer is not None and self.buyer.standing is Standing.ACTIVE
        return active and (self.link is None or self.link.verified)

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What the buyer stated, and what is asked for, by its name."""
        stated = self.negotiation.facts
        found = [(fact, stated[fact]) for fact in FACTS if fact in stated]
        return tuple((fact.replace("_", " "), what) for fact, what in found)


async def deal_page(deals: Deals, negotiation: Negotiation) -> DealPage:
    """Gather everything about *negotiation*."""
    buyer = await deals.register.licensee(negotiation.licensee)
    offer = negotiation.offer
    position = deals.position(offer.site, offer)
    proposal = negotiation.proposal or offer.terms
    multiple = _bidden(proposal, offer.terms, position)
    others = await deals.negotiations.of(negotiation.licensee, offer.site)
    name = buyer.name if buyer else negotiation.licensee
    return DealPage(
        negotiation,
        buyer,
        await deals.links.of(negotiation.id),
        beside(proposal, offer.terms),
        lever_words(negotiation.table) if negotiation.table else {},
        red_flags(proposal, offer.terms, severities=position.severities),
        _limits(offer, position),
        multiple * 100 // MICROS,
        multiple < position.floor_micros,
        checklist(negotiation),
        tuple(Said(entry, _told(entry), _indented(entry)) for entry in negotiation.transcript),
        chained(negotiation.transcript),
        letters_of(negotiation, creator=deals.signing(offer.site), buyer=name),
        tuple(each for each in reversed(others) if each.id != negotiation.id)[:20],
    )


def since(negotiation: Negotiation, version: str) -> tuple[Said, ...]:
    """What was said after *version*; everything where no entry has that hash."""
    places = [entry.nth for entry in negotiation.transcript if entry.hash == version]
    after = places[0] if places else 0
    return tuple(
        Said(entry, _told(entry), _indented(entry)) for entry in negotiation.transcript if entry.nth > after
    )


def _bidden(proposal: LicenseTerms, offered: LicenseTerms, position: Position) -> int:
    asked = offered.compensation
    if proposal.exclusivity.exclusive and position.exclusive_premium_micros:
        asked = scaled(asked, position.exclusive_premium_micros)
    return ratio(proposal.compensation, asked)


def _limits(offer: Offer, position: Position) -> tuple[Limit, ...]:
    price = offer.terms
    found = []
    for name, premium in (("not exclusive", MICROS), ("exclusive", position.exclusive_premium_micros)):
        if not premium:
            continue
        asked = scaled(price.compensation, premium)
        told = [
            price_words(_priced(price, scaled(asked, multiple)))
            for multiple in (position.ask_micros, position.target_micros, position.floor_micros)
        ]
        found.append(Limit(name, *told))
    return tuple(found)


def _priced(terms: LicenseTerms, price: Any) -> LicenseTerms:
    return LicenseTerms(terms.scope, terms.purpose, price)


def _told(entry: Entry) -> str:
    body: Mapping[str, Any] = orjson.loads(entry.body)
    match entry.act:
        case "proposal":
            stated = ", ".join(name.replace("_", " ") for name in body["facts"])
            return "proposes terms" + (f" and states {stated}" if stated else "")
        case "question":
            return f"asks for {', '.join(name.replace('_', ' ') for name in body['missing'])}"
        case "referral":
            return f"leaves it to you: {'; '.join(body['why'])}"
        case "offer":
            changed = ", ".join(body["changes"])
            return "puts terms on the table" + (f", others on {changed}" if changed else "")
        case "termination":
            return f"ends it: {body['why']}"
        case "acceptance":
            return f"accepts in these words: {body['assent']}"
        case "agreement":
            return f"makes the license {body['license']} of it"
        case "verification":
            return "confirms the agreement"
        case _:
            return "releases the license"


def _indented(entry: Entry) -> str:
    return orjson.dumps(orjson.loads(entry.body), option=orjson.OPT_INDENT_2).decode()
