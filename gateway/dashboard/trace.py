"""Why one fetch ended as it did: evidence, identity, rule, price, license, charge, record.

The sentences say only what the record holds. Facts are (name, value) pairs;
every value may have been chosen by a crawler and is shown as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.admission.owed import REASONS
from gateway.dashboard.filters import Decision, decision
from gateway.licenses.license import BY_FETCH
from gateway.money import Money
from gateway.policy.rule_words import numbered
from gateway.problems import PROBLEMS
from gateway.provenance.record import FetchDetail, FetchRecord
from gateway.visitors.naming import told
from gateway.visitors.reasons import sentence

_VERDICT: Final[Mapping[str, str]] = {
    "serve": "The rule says: serve without charge.",
    "refuse": "The rule says: do not serve.",
    "license": "The rule says: serve under a license.",
}
_CHARGE_NOTHING: Final = "This fetch owes nothing."


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the path: its title, what it found, and the facts behind that."""

    title: str
    sentence: str
    facts: tuple[tuple[str, str], ...] = ()


def trace(record: FetchRecord, detail: FetchDetail | None, rule: str = "") -> tuple[Step, ...]:
    """The steps of *record* in the order they were taken; *detail* is None once forgotten.

    *rule* says in words which rule decided; without it, the rule has its number.
    """
    return (
        _evidence(detail),
        _identity(record, detail),
        _rule(record, rule or numbered(record.rule)),
        _price(record),
        _license(record),
        _charge(record),
        _record(record),
    )


def answered(record: FetchRecord) -> str:
    """Why *record* ended so, in one or two sentences: what a reader of its steps wants to know first."""
    charge = _charge(record).sentence
    if decision(record.outcome, record.status) in {Decision.REFUSED, Decision.QUOTED}:
        return charge
    return f"{_VERDICT.get(record.verdict, '')} {charge}".strip()


def without_addresses(detail: FetchDetail) -> FetchDetail:
    """*detail* as it is shown to somebody who has not asked whose address it was."""
    return replace(detail, address="", peer="")


def _evidence(detail: FetchDetail | None) -> Step:
    if detail is None:
        return Step(
            "Evidence", "The personal detail of this fetch was erased. Every other check still holds."
        )
    facts = _facts(
        ("Client address", detail.address),
        ("Connection from", "" if detail.peer == detail.address else detail.peer),
        ("User-Agent", detail.user_agent),
        ("Referer", detail.referer),
        ("Query", detail.query),
        *(("Found", f"{sentence(reason)} ({reason})") for reason in detail.evidence),
    )
    return Step("Evidence", "What the request showed. This part is personal and is erased in time.", facts)


def _identity(record: FetchRecord, detail: FetchDetail | None) -> Step:
    said = told(
        record.crawler,
        record.operator,
        visitor_class=record.visitor_class,
        identity=record.identity,
        reasons=detail.evidence if detail else (),
    )
    return Step(
        "Identity",
        f"{said[0].upper()}{said[1:]}.",
        _facts(
            ("Crawler", record.crawler),
            ("Operator", record.operator),
            ("Class", record.visitor_class),
            ("Identity", record.identity),
            ("Proven by", "" if record.identity_method == "none" else record.identity_method),
            ("Uses", ", ".join(record.uses)),
            ("Country", _country(record)),
        ),
    )


def _country(record: FetchRecord) -> str:
    basis = f" (from {record.country_basis})" if record.country_basis else ""
    return f"{record.country}{basis}" if record.country else ""


def _rule(record: FetchRecord, rule: str) -> Step:
    return Step(
        "Rule",
        _VERDICT.get(record.verdict, ""),
        _facts(
            ("Rule", rule),
            ("Work", record.work),
            ("Rendition", record.rendition),
            ("Mode", record.mode),
            ("Policy", record.policy),
        ),
    )


def _price(record: FetchRecord) -> Step:
    unit = _amount(record.price_micros, record.currency)
    quote = _amount(record.quote_micros, record.currency)
    if unit and record.license.startswith(BY_FETCH):
        return Step("Price", "At most this could be charged.", (("At most", unit),))
    if unit:
        return Step("Price", "One unit costs this under the license.", (("Price", unit),))
    if quote:
        return Step("Price", "Without a license, this is the price.", (("Quote", quote),))
    return Step("Price", "No price applied.")


def _license(record: FetchRecord) -> Step:
    if record.license.startswith(BY_FETCH):
        return Step(
            "License",
            "The request paid for this one fetch itself.",
            _facts(
                ("Licensee", record.licensee),
                ("Payment", record.token),
                ("License", record.license),
                ("Terms", record.terms),
            ),
        )
    if not record.token:
        return Step("License", "No license token of this site was presented.")
    return Step(
        "License",
        "A license token of this site was presented.",
        _facts(
            ("Licensee", record.licensee),
            ("Client", record.client),
            ("License", record.license),
            ("Token", record.token),
            ("Terms", record.terms),
        ),
    )


def _charge(record: FetchRecord) -> Step:
    charged = _amount(record.charged_micros, record.currency)
    facts = _facts(("Charged", charged), ("Reason", record.charge_reason), *_refusals(record))
    if decision(record.outcome, record.status) in {Decision.REFUSED, Decision.QUOTED}:
        problem = PROBLEMS.get(record.problem)
        said = f"Refused: {problem.title.lower()}. " if problem else "Refused. "
        return Step("Charge", said + _CHARGE_NOTHING, facts)
    why = REASONS.get(record.charge_reason, "")
    nothing = f"{_CHARGE_NOTHING[:-1]}: {why}." if why else _CHARGE_NOTHING
    return Step("Charge", "This fetch is owed." if charged else nothing, facts)


def _refusals(record: FetchRecord) -> tuple[tuple[str, str], ...]:
    return (("Problem", record.problem), ("Would have been refused", record.would))


def _record(record: FetchRecord) -> Step:
    return Step(
        "Record",
        "How the answer ended, as it stands in the journal.",
        _facts(
            ("Record", record.id),
            ("Status", str(record.status)),
            ("Ended", record.ended),
            ("Bytes sent", f"{record.bytes_sent:,}"),
            ("Took", f"{record.duration_us / 1000:,.1f} ms"),
            ("Content type", record.content_type),
            ("ETag", record.etag),
            ("SHA-256 as sent", record.digest),
        ),
    )


def _amount(micros: int, currency: str) -> str:
    return str(Money(micros, currency)) if micros and currency else ""


def _facts(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs if value)
