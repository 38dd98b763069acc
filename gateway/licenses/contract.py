"""A deal as a document that a lawyer can read: parties, facts, clauses, and the terms they come from.

One value, from which HTML, PDF and canonical JSON are made, so that all three
say the same. Clauses are files (`policies/clauses/*.toml`), each switched on by
what was agreed and filled with it; no clause holds a fact of its own.

Without evidence of acceptance a document is headed *Proposed terms*. Governing
law and language are blanks that a person fills; an empty one, or a party that
is not named where it has to be, keeps it from being signed (`blanks`).

Pure.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from gateway.canonical import canonical_digest
from gateway.licenses import duty_words, payment_words
from gateway.licenses.license import License
from gateway.licenses.position import committed
from gateway.licenses.red_flags import PERPETUAL_MONTHS
from gateway.money import Money
from gateway.terms.license_terms import LicenseTerms
from gateway.terms.sold_bundle import WHOLE
from gateway.uses import Use, tier_of

_T = TypeVar("_T")
FORMAT: Final = 1
#: Stands on every page of every document of this kind.
NOTICE: Final = "Not legal advice. A starting point that needs counsel before anybody relies on it."
PROPOSED: Final = "Proposed terms"
SIGNED: Final = "License agreement"
#: What stands where something is not filled in.
BLANK: Final = "____________"
_LONG_WINDOW: Final = 24

_USES: Final[Mapping[Use, str]] = {
    Use.SEARCH: "indexing for search, with links and short excerpts",
    Use.AI_INPUT: "input to a model that answers one question",
    Use.AI_INDEX: "keeping in an index or as vectors, for later answers",
    Use.AI_TRAIN: "training models, fine-tuning included",
    Use.FINE_TUNE: "fine-tuning models",
    Use.TDM: "counting and comparing by machine",
}
_RELEASES: Final = {
    "none": "not allowed",
    "closed": "allowed as a service or a product, without its weights",
    "open": "allowed, its weights included",
}
_INDEMNITIES: Final = {
    "none": "Neither party indemnifies the other.",
    "licensee": "The licensee indemnifies the creator against claims of others that arise from its use of the works.",
    "creator": "The creator indemnifies the licensee against claims of others that the works infringe their rights.",
    "mutual": "Each party indemnifies the other against claims of others that arise from what it warrants here.",
}
_WARRANTIES: Final = {
    "ownership": "that it owns the works or the right to license them",
    "authority": "that it may license them",
    "no-infringement": "that to its knowledge they infringe nobody's rights",
    "privacy-consent": "that the persons shown agreed to it",
    "no-malware": "that they hold no harmful code",
}


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as it stands in its file. All words in *when* have to hold for it to be part of a contract."""

    id: str
    title: str
    when: tuple[str, ...]
    text: str


class ClauseError(ValueError):
    """A file is no clause; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Party:
    """One side. Empty members are blanks."""

    name: str = ""
    address: str = ""
    signatory: str = ""
    authority: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How it came to be agreed: who, when, by which key, from where, with which words; and the transcript's hash."""

    by: str
    at: int
    key: str
    address: str
    assent: str
    transcript: str


@dataclass(frozen=True, slots=True)
class Deal:
    """What a contract is made of, besides its clauses. Times are whole seconds; 0 is not set yet.

    *version* is that of its license, and *replaces* the hash of the contract that it
    takes the place of; of terms that were bought as published, which have no
    document, their hash. *consent* is the journal's record of what the creator consented to.
    """

    id: str
    site: str
    terms: LicenseTerms
    creator: Party
    licensee: Party
    starts_at: int = 0
    ends_at: int = 0
    products: str = ""
    law: str = ""
    language: str = "English"
    earlier_licenses: tuple[str, ...] = ()
    evidence: Evidence | None = None
    version: int = 1
    replaces: str = ""
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One clause, filled: its number in this document, its title, its paragraphs."""

    number: int
    id: str
    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Contract:
    """A document ready to be drawn. *facts* are label and value, in order."""

    heading: str
    deal: Deal
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    def as_json(self) -> dict[str, object]:
        """The document for programs; RFC 8785 over it gives `hash`."""
        deal = self.deal
        return {
            "format": FORMAT,
            "heading": self.heading,
            "notice": NOTICE,
            "id": deal.id,
            "version": deal.version,
            "replaces": deal.replaces,
            "site": deal.site,
            "facts": [[label, value] for label, value in self.facts],
            "sections": [
                {"number": each.number, "clause": each.id, "title": each.title, "text": list(each.paragraphs)}
                for each in self.sections
            ],
            "terms": deal.terms.as_json(),
            "terms_hash": deal.terms.hash,
            "evidence": _evidence(deal.evidence),
        }

    @property
    def hash(self) -> str:
        """The hash of the whole document, evidence included."""
        return canonical_digest(self.as_json())


def read_clause(name: str, text: str) -> Clause:
    """Read one clause file; raise `ClauseError` for whatever could not be filled later."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ClauseError(f"{name} is no TOML: {error}") from None
    title, when, body = found.get("title"), found.get("when"), found.get("text")
    if not isinstance(title, str) or not isinstance(body, str) or not isinstance(when, list):
        raise ClauseError(f"{name} needs a title, a list when, and a text")
    unknown = [word for word in when if word not in SWITCHES] + sorted(_names(body) - set(_FILLED))
    if unknown or set(found) - {"title", "when", "text"}:
        raise ClauseError(f"{name} has words that nothing answers to: {unknown or sorted(found)}")
    return Clause(name, title, tuple(when), body.strip())


def contract_of(deal: Deal, clauses: Iterable[Clause]) -> Contract:
    """The document of *deal*: the clauses that apply, numbered and filled."""
    words = filled(deal)
    chosen = [clause for clause in clauses if all(SWITCHES[word](deal) for word in clause.when)]
    sections = tuple(
        Section(
            number,
            clause.id,
            clause.title,
            tuple(each.format_map(words) for each in clause.text.split("\n\n")),
        )
        for number, clause in enumerate(chosen, 1)
    )
    heading = SIGNED if deal.evidence else PROPOSED
    return Contract(heading, deal, _facts(deal, words), sections)


def filled(deal: Deal) -> dict[str, str]:
    """Every word that a clause may hold, as *deal* fills it: the one place where levers become words."""
    return {name: " ".join(make(deal).split()) for name, make in _FILLED.items()}


def blanks(deal: Deal, *, named: bool) -> tuple[str, ...]:
    """What has to be filled in before *deal* can be signed. *named* says that both parties have to be."""
    missing = [
        word for word, value in (("governing law", deal.law), ("language", deal.language)) if not value
    ]
    if named:
        missing += [
            f"{side}: {member}"
            for side, party in (("creator", deal.creator), ("licensee", deal.licensee))
            for member in ("name", "address", "signatory", "authority")
            if not getattr(party, member)
        ]
    return tuple(missing)


def needs_names(terms: LicenseTerms, tier: int, worth: Money, limit: Money | None) -> bool:
    """Whether a deal is too large for parties without a name: tier 1, exclusive, without end, or above *limit*."""
    return (
        tier == 1
        or terms.exclusivity.exclusive
        or terms.term.months >= PERPETUAL_MONTHS
        or (limit is not None and (worth.currency != limit.currency or worth > limit))
    )


def large_as_published(terms: LicenseTerms, worth: Money | None = None, limit: Money | None = None) -> bool:
    """Whether what is published is too large to be bought by a machine alone: no small purchase (`needs_names`).

    Training that pays for deliveries alone is one: nothing of it is committed. *worth* is what they commit to if left out.
    """
    tier = 3 if terms.compensation.pays_as_it_goes else tier_of(terms.purpose.uses)
    return needs_names(terms, tier, worth or committed(terms), limit)


def purchase_worth(license: License) -> Money:
    """What *license*, bought on a published offer, commits to, and what is set aside for its fetches."""
    return committed(license.terms) + Money(license.budget.micros or 0, license.terms.compensation.currency)


def spoken(uses: Iterable[Use]) -> str:
    """Uses as a sentence has them."""
    return "; ".join(_USES[use] for use in Use if use in set(uses))


def price_parts(terms: LicenseTerms) -> tuple[str, ...]:
    """Each part of the price in words, such as ``500 USD at signing``."""
    price = terms.compensation
    said = (
        (price.at_signing, "at signing"),
        (price.per_fetch, "for each page or file delivered"),
        (price.per_item, "for each item"),
        (price.per_megabyte, "for each megabyte delivered"),
        (price.per_thousand_tokens, "for each thousand tokens delivered"),
        (price.per_inference, "for each answer that relies on the works"),
        (price.subscription, f"for each {_months(price.subscription_months)}, in advance"),
    )
    parts = [f"{amount} {what}" for amount, what in said if amount]
    parts += payment_words.waiting_parts(terms)
    parts += [
        f"{each.per_fetch} for each page or file from the {each.from_fetches}th on" for each in price.tiers
    ]
    parts += [
        f"{each.per_fetch} for each page or file published {each.from_days} days before it is fetched, or earlier"
        for each in price.by_age
    ]
    if price.revenue_share_bp:
        parts.append(f"{payment_words.percent(price.revenue_share_bp)} of net revenue")
    if price.minimum_guarantee:
        parts.append(f"at least {price.minimum_guarantee} in each {_months(price.minimum_guarantee_months)}")
    return tuple(parts)


def _facts(deal: Deal, words: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    terms, found = deal.terms, []
    for label, party in (("Creator", deal.creator), ("Licensee", deal.licensee)):
        found.append((label, ", ".join(filter(None, (party.name or BLANK, party.address)))))
        found.append((f"{label} signs through", f"{party.signatory or BLANK} ({party.authority or BLANK})"))
    for label, name in (
        ("Works", "works"), ("Forms", "renditions"), ("Uses", "uses"), ("Price", "price_parts"),
        ("Attribution", "attribution"), ("Reports", "report"), ("Copies", "retention"), ("Warranties", "warranties"),
        ("Territory", "territory"), ("Law", "law"), ("Language", "language"),
    ):  # fmt: skip
        found.append((label, words[name]))
    found.append(("Exclusive", "yes" if terms.exclusivity.exclusive else "no"))
    found.append(("Term", f"{words['starts']} to {words['ends']} ({words['months']} months)"))
    if terms.scope.bundle:
        found.append(("Bundle", words["bundle"]))
    found.append(("Terms hash", terms.hash))
    if deal.consent:
        found.append(("Consent record", deal.consent))
    if deal.version > 1:
        found.append(("Version", f"{deal.version}, in place of the one with the hash {deal.replaces}"))
    return tuple(found)


def _evidence(evidence: Evidence | None) -> dict[str, object] | None:
    if evidence is None:
        return None
    return {name: getattr(evidence, name) for name in Evidence.__dataclass_fields__}


def _names(text: str) -> set[str]:
    found = set()
    try:
        for _, name, spec, turned in string.Formatter().parse(text):
            if spec or turned:
                raise ClauseError(f"{{{name}}} is more than a word")
            if name is not None:
                found.add(name)
    except ValueError as error:
        raise ClauseError(str(error)) from None
    return found


def _months(count: int) -> str:
    return "month" if count == 1 else f"{count} months"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d") if at else BLANK


def _granted(word: str) -> Callable[[Deal], str]:
    return lambda deal: "allowed" if getattr(deal.terms.purpose, word) else "not allowed"


def _of_terms(say: Callable[[LicenseTerms], _T]) -> Callable[[Deal], _T]:
    return lambda deal: say(deal.terms)


def _warranties(deal: Deal) -> str:
    said = [_WARRANTIES.get(word, word) for word in deal.terms.liability.warranties]
    return "; ".join(said) or "nothing beyond what the law has"


def _works(deal: Deal) -> str:
    scope = deal.terms.scope
    paths = ", ".join(path.pattern for path in scope.paths)
    less = ", ".join(path.pattern for path in scope.excluded)
    if scope.bundle:
        return f"{', '.join(scope.works)} ({scope.bundle.items} works of the bundle {scope.bundle.name})"
    return f"{', '.join(scope.works) or 'of the site'} ({paths}{f', without {less}' if less else ''})"


def _bundle(deal: Deal) -> str:
    found = deal.terms.scope.bundle
    return f"{found.name}, {found.items} works, manifest {found.manifest}" if found else "none"


def _ingestion(deal: Deal) -> str:
    share = deal.terms.scope.bundle.ingestion if deal.terms.scope.bundle else WHOLE
    return "every work" if share == WHOLE else f"{share / 10_000:g} % of the works"


def _renewal(deal: Deal) -> str:
    if deal.terms.term.renewal:
        return "It is renewed on the same terms unless a party says otherwise 30 days before its end."
    return "It is not renewed by itself; new terms are agreed anew."


#: Every word that a clause may hold in braces, and what it becomes.
_FILLED: Final[Mapping[str, Callable[[Deal], str]]] = {
    "creator": lambda deal: deal.creator.name or BLANK,
    "licensee": lambda deal: deal.licensee.name or BLANK,
    "site": lambda deal: deal.site,
    "products": lambda deal: deal.products or BLANK,
    "works": _works,
    "bundle": _bundle,
    "ingestion": _ingestion,
    "renditions": lambda deal: ", ".join(deal.terms.scope.renditions),
    "uses": lambda deal: spoken(deal.terms.purpose.uses),
    **{
        word: _granted(word)
        for word in ("redistribution", "sublicensing", "resale", "internal_research", "evaluation")
    },
    "model_release": lambda deal: _RELEASES[deal.terms.purpose.model_release],
    "price_parts": lambda deal: "; ".join(price_parts(deal.terms)) or "nothing",
    **{word: _of_terms(say) for word, say in (*payment_words.WORDS.items(), *duty_words.WORDS.items())},
    "window_hours": lambda deal: str(deal.terms.compensation.window_hours),
    "revenue_share": lambda deal: payment_words.percent(deal.terms.compensation.revenue_share_bp),
    "minimum_guarantee": lambda deal: str(deal.terms.compensation.minimum_guarantee or "nothing"),
    "minimum_guarantee_months": lambda deal: str(deal.terms.compensation.minimum_guarantee_months),
    "report": lambda deal: deal.terms.audit.report,
    "audit_window_months": lambda deal: str(deal.terms.audit.audit_window_months),
    "output_samples": lambda deal: str(deal.terms.audit.output_samples),
    "suspend_after_days": lambda deal: str(deal.terms.audit.suspend_after_days),
    "security_standard": lambda deal: (
        deal.terms.liability.security_standard or "what is usual for work of this worth"
    ),
    "earlier_licenses": lambda deal: ", ".join(deal.earlier_licenses) or "none",
    "starts": lambda deal: _day(deal.starts_at),
    "ends": lambda deal: _day(deal.ends_at),
    "months": lambda deal: str(deal.terms.term.months),
    "renewal": _renewal,
    "territory": lambda deal: ", ".join(deal.terms.territory.as_json() or ["every country"]),
    "territory_checked": lambda deal: (
        "no place is left out"
        if deal.terms.territory.regions is None
        else deal.terms.territory.basis.sentence
    ),
    "warranties": _warranties,
    "indemnity": lambda deal: _INDEMNITIES[deal.terms.liability.indemnity],
    "cap": lambda deal: (
        f"at most {deal.terms.liability.cap}" if deal.terms.liability.cap is not None else "no cap was agreed"
    ),
    "law": lambda deal: deal.law or BLANK,
    "language": lambda deal: deal.language or BLANK,
}
#: Every word that switches a clause.
SWITCHES: Final[Mapping[str, Callable[[Deal], bool]]] = {
    "always": lambda _: True,
    "bundle": lambda deal: deal.terms.scope.bundle is not None,
    "priced": lambda deal: not deal.terms.compensation.is_free,
    "free": lambda deal: deal.terms.compensation.is_free,
    "revenue_share": lambda deal: bool(deal.terms.compensation.revenue_share_bp),
    "guarantee": lambda deal: bool(deal.terms.compensation.minimum_guarantee),
    **{
        word: _of_terms(holds)
        for word, holds in (*payment_words.SWITCHES.items(), *duty_words.SWITCHES.items())
    },
    "reports": lambda deal: deal.terms.audit.report != "none",
    "suspends": lambda deal: deal.terms.audit.report != "none" and bool(deal.terms.audit.suspend_after_days),
    "audits": lambda deal: bool(deal.terms.audit.audits_per_year),
    "long_audit": lambda deal: (
        bool(deal.terms.audit.audits_per_year) and deal.terms.audit.audit_window_months >= _LONG_WINDOW
    ),
    "samples": lambda deal: bool(deal.terms.audit.output_samples),
    "insurance": lambda deal: deal.terms.liability.insurance,
    "exclusive": lambda deal: deal.terms.exclusivity.exclusive,
    "not_exclusive": lambda deal: not deal.terms.exclusivity.exclusive,
}
