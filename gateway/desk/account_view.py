"""A licensee's account as one document: what it may spend, what it holds, what is due. Pure.

The page (`desk.account_page`) and the API tell the same document. Every address
in it is of this desk, and asks for the same login.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.billing.billing_rules import Party
from gateway.billing.charges import Used
from gateway.desk.client_metadata import client_document
from gateway.desk.duty_documents import duty_document
from gateway.desk.license_papers import Papers
from gateway.desk.metadata import PREFIX, money_document
from gateway.licenses.license import Client, Licensee
from gateway.licenses.obligations import Obligation
from gateway.licenses.spend_limits import SpendLimit
from gateway.money import Money

ACCOUNT: Final = f"{PREFIX}/account"
_DAY: Final = 86_400
#: What an invoice needs to know of whoever is billed.
NEEDED: Final = ("name", "address")


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the stores know of one licensee on one site at second *now*.

    *stood* is the document of `held.Holdings.account`; *used* is by license and
    currency; *papers* are the documents of each license; *bills* and *disputes* are rows as their own addresses tell them.
    """

    licensee: Licensee
    client: Client
    now: int
    month: str
    stood: Mapping[str, Any]
    papers: Papers
    used: Mapping[tuple[str, str], Used] = field(default_factory=dict)
    limits: Sequence[SpendLimit] = ()
    duties: Sequence[Obligation] = ()
    clients: Sequence[Client] = ()
    bills: Sequence[Mapping[str, object]] = ()
    months: Sequence[str] = ()
    disputes: Sequence[Mapping[str, object]] = ()
    party: Party = field(default_factory=Party)


def account_document(facts: AccountFacts, origin: str) -> dict[str, Any]:
    """The whole account, for programs and for the page."""
    return {
        **facts.stood,
        "month": facts.month,
        "holds": [money_document(each) for each in _holds(facts)],
        "spend_limits": [_limit(each) for each in facts.limits],
        "licenses": [_license(each, facts) for each in facts.stood["licenses"]],
        "duties_due": [
            duty_document(each, facts.now, origin)
            for each in sorted(facts.duties, key=lambda duty: duty.deadline)
            if each.unmet
        ],
        "invoices": list(facts.bills),
        "statements": [f"{origin}{PREFIX}/statements/{month}" for month in facts.months],
        "disputes": list(facts.disputes),
        "clients": [client_row(each, facts.licensee) for each in facts.clients],
        "billed_to": billed_to(facts.party),
        "links": {
            name: f"{origin}{path}"
            for name, path in {
                "charges": f"{ACCOUNT}/charges",
                "spend_limit": f"{ACCOUNT}/spend-limit",
                "billed_to": f"{ACCOUNT}/billed-to",
                "clients": f"{ACCOUNT}/clients",
                "export": f"{ACCOUNT}/export.zip",
                "duties": f"{PREFIX}/duties",
                "reports": f"{PREFIX}/reports",
                "invoices": f"{PREFIX}/invoices",
                "statements": f"{PREFIX}/statements",
                "disputes": f"{PREFIX}/disputes",
                "receipts": f"{PREFIX}/receipts",
                "negotiations": f"{PREFIX}/negotiations",
                "webhooks": f"{PREFIX}/webhooks",
            }.items()
        },
    }


def client_row(client: Client, licensee: Licensee) -> dict[str, object]:
    """One client as its licensee may see it: what it registered, and never a secret or its hash."""
    return {
        **client_document(client, licensee),
        "has_secret": bool(client.secret_sha256),
        "older_secret_until": client.older_until or None,
    }


def billed_to(party: Party) -> dict[str, object]:
    """Who is billed, and what is still *asked* for before the first invoice."""
    told = party.model_dump(include={"name", "address", "tax_id"})
    return {**told, "asked": [name for name in NEEDED if not told[name]]}


def _limit(found: SpendLimit) -> dict[str, object]:
    left = max(found.limit.micros - found.spent.micros, 0)
    return {
        "limit": money_document(found.limit),
        "spent": money_document(found.spent),
        "left": money_document(Money(left, found.limit.currency)),
        "per": "month",
    }


def _holds(facts: AccountFacts) -> list[Money]:
    sums: dict[str, int] = {}
    for (_, currency), used in facts.used.items():
        sums[currency] = sums.get(currency, 0) + used.held_micros
    return [Money(micros, currency) for currency, micros in sorted(sums.items()) if micros]


def _license(row: Mapping[str, Any], facts: AccountFacts) -> dict[str, object]:
    """The row of one license with what is left of its budget and of its time."""
    used = facts.used.get((row["license"], row["price"]["currency"]), Used())
    budget = row["budget"]
    left = {
        name: None if budget[name] is None else max(budget[name] - spent, 0)
        for name, spent in (
            ("micros", used.spent_micros + used.held_micros),
            ("fetches", used.spent_fetches + used.held_fetches),
        )
    }
    contract, terms = facts.papers.of(row["license"], row["policy"])
    return {
        **row,
        "spent": {"micros": used.spent_micros, "fetches": used.spent_fetches},
        "held": {"micros": used.held_micros, "fetches": used.held_fetches},
        "left": left,
        "days_left": max(0, -(-(row["ends_at"] - facts.now) // _DAY)),
        "contract": contract,
        "published_terms": terms,
        "agreement": f"{PREFIX}/licenses/{row['license']}.jsonld",
        "charges": f"{ACCOUNT}/charges?license={row['license']}",
    }
