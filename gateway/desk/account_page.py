"""A licensee's account as one page, of the document that its API tells (`desk.account_view`); no script. Pure.

Forms carry the mark of their owner (`desk.form_tokens`), and what was typed into
one that could not be taken stands in it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from gateway.admission.owed import REASONS
from gateway.desk.account_view import ACCOUNT
from gateway.desk.license_page import moment
from gateway.desk.metadata import PREFIX
from gateway.languages import later, retold, tr, trn
from gateway.money import Money
from gateway.paper import Html, link, pairs, table
from gateway.policy.rule_words import numbered

#: Charges that the account itself shows.
SHOWN: Final = 10
_STANDING: Final = {
    "active": later("active"),
    "quarantined": later("waits for approval or credit"),
    "suspended": later("suspended by the operator"),
}
_KINDS: Final = {
    "report": later("transparency report"),
    "output-samples": later("samples of output"),
    "attribution": later("proof of attribution"),
    "insurance": later("proof of insurance"),
    "model-card": later("model card"),
    "answer": later("answer to a veto"),
}
_STATES: Final = {
    "open": later("to be handed in"), "overdue": later("overdue"), "rejected": later("turned back"),
    "delivered": later("handed in"), "accepted": later("accepted"), "vetoed": later("vetoed"), "excused": later("waived"),
}  # fmt: skip
#: What an account calls each kind of entry (`provenance.record.BookEntry`).
_BOOKED: Final = {
    "fetch": later("fetch"), "credit": later("paid in"), "fee": later("fee paid"), "due": later("fell due"),
    "payment": later("paid from credit"), "deposit": later("held for a milestone"),
    "promise": later("to be paid at a milestone"), "milestone": later("milestone met"),
    "dispute": later("disputed"), "release": later("paid for a milestone"), "refund": later("paid back"),
    "reversal": later("taken back"), "claim": later("costs claimed"), "withdrawn": later("claim taken back"),
    "close": later("month closed"), "invoice": later("invoice issued"), "bill": later("self-billed invoice issued"),
    "credit_note": later("credit note issued"), "tax": later("tax"), "round_up": later("rounded up"),
    "round_down": later("rounded down"), "write_off": later("written off"),
}  # fmt: skip
_FIELDS: Final = {
    "name": later("Legal name"),
    "address": later("Address"),
    "tax_id": later("Tax id"),
}


def account_page(
    document: Mapping[str, Any], charges: Sequence[Mapping[str, Any]], mark: str,
    given: Mapping[str, str] | None = None, wrong: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The body of the page: *document* whole, its newest *charges*, forms with *mark*.

    *given* is what was typed, *wrong* the sentence for each field of it that could not be taken.
    """
    given, wrong = given or {}, wrong or {}
    return "".join(
        (
            _head(document),
            _money(document),
            _licenses(document["licenses"]),
            _duties(document["duties_due"]),
            f"<h2>{tr('Charges')}</h2>\n",
            charge_table(charges, tr("The newest charges and payments")),
            f"<p>{link(f'{ACCOUNT}/charges', tr('Every charge, with its receipt'))}</p>\n",
            _bills(document),
            _clients(document["clients"], document["client_id"], mark),
            _limit_form(document, mark, given, wrong),
            _party_form(document["billed_to"], mark, given, wrong),
            f"<h2>{tr('Everything in one file')}</h2>\n<p>",
            link(f"{ACCOUNT}/export.zip", tr("Your whole account as an archive")),
            f" {tr('(JSON and CSV, with every charge, document, duty and license).')}</p>\n",
        )
    )


def _head(document: Mapping[str, Any]) -> str:
    standing = _STANDING[document["standing"]]
    rows = [
        (tr("Licensee"), f"{document['name']} ({document['licensee']})"),
        (tr("Standing"), tr(standing)),
        (tr("Signed in as"), document["client_id"]),
    ]
    asked = [tr(_FIELDS[name]) for name in document["billed_to"]["asked"]]
    note = (
        f'<p class="told wrong">{tr("Before the first invoice we need to know whom to bill. Missing:")} '
        f'{escape(", ".join(asked))}. <a href="#billed-to">{tr("Fill it in")}</a></p>\n'
        if asked
        else ""
    )
    return note + pairs(tr("Who you are here"), rows)


def _money(document: Mapping[str, Any]) -> str:
    held = {each["currency"]: each["amount"] for each in document["holds"]}
    limits = {each["limit"]["currency"]: each for each in document["spend_limits"]}
    rows = []
    for free in document["balances"]:
        currency = free["currency"]
        own = limits.get(currency)
        rows.append((
            currency, free["amount"], held.get(currency, "0"),
            own["limit"]["amount"] if own else tr("none"), own["left"]["amount"] if own else "",
        ))  # fmt: skip
    columns = (
        tr("Currency"), tr("Free to spend"), tr("Set aside"), tr("Your limit a month"), tr("Left of it"),
    )  # fmt: skip
    return (
        f"<h2>{tr('Balance')}</h2>\n"
        f"{table(tr('Balance and holds'), columns, rows, right=4, cards=True)}"
        f'<p class="quiet">{tr("Set aside is what running crawlers have reserved; what they do not use comes back.")}</p>\n'
    )


def _licenses(licenses: Sequence[Mapping[str, Any]]) -> str:
    heading = f"<h2>{tr('Licenses')}</h2>\n"
    if not licenses:
        return f"{heading}<p>{tr('None yet.')}</p>\n"
    rows = [
        (
            link(each["charges"], _short(each["license"])),
            ", ".join(each["privileges"]),
            _left(each),
            _time_left(each),
            Html(", ".join(_papers(each))),
        )
        for each in licenses
    ]
    columns = (tr("License"), tr("Uses"), tr("Budget left"), tr("Time left"), tr("Documents"))
    return heading + table(tr("Your licenses"), columns, rows, cards=True)


def _papers(each: Mapping[str, Any]) -> Iterable[str]:
    """Links to what was agreed: the contract or the published terms, and the agreement for programs."""
    if each["contract"]:
        yield link(each["contract"], tr("Contract"))
    elif each["published_terms"]:
        yield link(each["published_terms"], tr("Published terms"))
    yield link(each["agreement"], "ODRL")


def _left(each: Mapping[str, Any]) -> str:
    left, budget = each["left"], each["budget"]
    parts = []
    if left["micros"] is not None:
        of = Money(budget["micros"], each["price"]["currency"])
        parts.append(tr("{left} of {budget}").format(left=Money(left["micros"], of.currency), budget=of))
    if left["fetches"] is not None:
        parts.append(tr("{left} of {budget} fetches").format(left=left["fetches"], budget=budget["fetches"]))
    return ", ".join(parts) or tr("no budget of its own")


def _time_left(each: Mapping[str, Any]) -> str:
    if each["suspended"]:
        return tr("suspended: {why}").format(why=each["suspended"])
    if not each["live"]:
        return tr("not in force; it ended or begins later")
    days = trn("{days} day", "{days} days", each["days_left"]).format(days=each["days_left"])
    return f"{days} ({moment(each['ends_at'])[:10]})"


def _duties(duties: Sequence[Mapping[str, Any]]) -> str:
    heading = f"<h2>{tr('Reports and duties due')}</h2>\n"
    if not duties:
        return f"{heading}<p>{tr('Nothing is due.')}</p>\n"
    rows = [
        (
            link(_handed_in_at(each), tr(_KINDS.get(each["kind"], each["kind"]))),
            _short(each["license"]),
            moment(each["deadline"])[:10],
            tr(_STATES.get(each["state"], each["state"])),
        )
        for each in duties
    ]
    return heading + table(
        tr("What you have to hand in"),
        (tr("What"), tr("License"), tr("Due"), tr("State")),
        rows,
        cards=True,
    )


def _handed_in_at(duty: Mapping[str, Any]) -> str:
    """Where a person hands it in: reports have a page (`report_pages`)."""
    report = duty["kind"] == "report"
    return f"{PREFIX}/reports/new?duty={duty['id']}" if report else f"{PREFIX}/duties/{duty['id']}"


def charge_table(charges: Sequence[Mapping[str, Any]], caption: str) -> str:
    """Rows of `billing.charges.row_of`, each with its own page and its receipt."""
    if not charges:
        return f"<p>{tr('Nothing was charged yet.')}</p>\n"
    rows = [
        (
            _at(f"{ACCOUNT}/charges/{each['id']}", str(each["time"])),
            str(each["path"] or _short(str(each["memo"] or each["reference"])) or "-"),
            charge_kind(each),
            link(f"{ACCOUNT}/charges?license={each['license']}", _short(str(each["license"])))
            if each["license"]
            else "-",
            link(f"{PREFIX}/receipts/{each['id']}", tr("Receipt")),
            f"{each['amount']} {each['currency']}" if each["currency"] not in {"", "XXX"} else "-",
        )
        for each in charges
    ]
    columns = (tr("Time (UTC)"), tr("What"), tr("Kind"), tr("License"), tr("Proof"), tr("Amount"))
    return table(caption, columns, rows, right=1, cards=True)


def _at(address: str, time: str) -> Html:
    return Html(
        f'<a href="{escape(address)}"><time datetime="{time}">{time[:16].replace("T", " ")}</time></a>'
    )


def _short(id: str) -> str:
    """*id* as it fits into a row; whole it stands on the page that the row leads to."""
    return f"{id[:15]}…" if len(id) > 20 and " " not in id else id


def charge_kind(row: Mapping[str, Any]) -> str:
    """What kind of entry it is, in words; a fetch with the reason of its price."""
    kind, reason = str(row["kind"]), str(row["reason"])
    said = tr(_BOOKED.get(kind, kind))
    return f"{said}, {tr(REASONS.get(reason, reason))}" if reason not in {"", kind} else said


def _bills(document: Mapping[str, Any]) -> str:
    bills = [
        (
            link(f"{PREFIX}/invoices/{each['id']}", str(each["number"])),
            str(each["period"]), str(each["due_on"]), tr(str(each["state"])), str(each["open"]), str(each["total"]),
        )
        for each in document["invoices"]
    ]  # fmt: skip
    columns = (tr("Number"), tr("Period"), tr("Due"), tr("State"), tr("Open"), tr("Total"))
    statements = ", ".join(
        link(address.partition("//")[2].partition("/")[2].join(("/", "")), address.rpartition("/")[2])
        for address in document["statements"]
    )
    disputes = [
        (
            link(f"{PREFIX}/disputes/{each['dispute']}", str(each["dispute"])),
            str(each["line"]),
            tr(str(each["state"])),
        )
        for each in document["disputes"]
    ]
    return (
        f"<h2>{tr('Invoices and statements')}</h2>\n"
        + (table(tr("Documents"), columns, bills, right=2, cards=True) if bills else f"<p>{tr('Nothing was billed yet.')}</p>\n")
        + f"<p>{tr('Statements:')} {statements or tr('none yet')}</p>\n"
        + f"<h2>{tr('Disputes')}</h2>\n"
        + (
            table(tr("Your disputes"), (tr("Dispute"), tr("Line"), tr("State")), disputes, cards=True)
            if disputes
            else f"<p>{tr('None. A line is disputed on the page of its document.')}</p>\n"
        )
    )  # fmt: skip


def _clients(clients: Sequence[Mapping[str, Any]], own: str, mark: str) -> str:
    body = f"<h2>{tr('Keys and clients')}</h2>\n"
    for each in clients:
        id_ = str(each["client_id"])
        rows = [
            (tr("Client"), f"{id_} ({tr('this one')})" if id_ == own else id_),
            (tr("Since"), moment(int(each["client_id_issued_at"]))),
            (tr("Signs in by"), _signs_in(each)),
        ]
        if each["older_secret_until"]:
            rows.append((tr("Earlier secret good until"), moment(int(each["older_secret_until"]))))
        body += f"<h3>{escape(str(each['client_name'] or id_))}</h3>\n{pairs(id_, rows)}"
        if each["has_secret"]:
            body += _button(f"{ACCOUNT}/clients/{id_}/secret", tr("Another secret"), mark, id_)
        if len(clients) > 1:
            body += _button(f"{ACCOUNT}/clients/{id_}/revocation", tr("Revoke this client"), mark, id_)
    return body


def _signs_in(each: Mapping[str, Any]) -> str:
    if each["has_secret"]:
        return tr("a secret")
    return tr("its own keys: {where}").format(where=each.get("jwks_uri", tr("as registered")))


def _button(action: str, text: str, mark: str, about: str) -> str:
    return (
        f'<form method="post" action="{escape(action)}">\n<input type="hidden" name="form" value="{mark}">\n'
        f'<button class="second" aria-label="{escape(f"{text}: {about}")}">{text}</button>\n</form>\n'
    )


def secret_page(client_id: str, secret: str) -> str:
    """The only page that ever shows *secret*."""
    return (
        f"<p>{tr('This secret is shown once. Keep it now; nobody can tell it to you again.')}</p>\n"
        f"<pre><code>{escape(secret)}</code></pre>\n"
        f"<p>{tr('Client')} <code>{escape(client_id)}</code>. "
        f"{tr('The one before it is good for another day. Your browser asks you to sign in again.')}</p>\n"
        f"<p>{link(ACCOUNT, tr('Back to the account'))}</p>\n"
    )


def _limit_form(
    document: Mapping[str, Any], mark: str, given: Mapping[str, str], wrong: Mapping[str, str]
) -> str:
    currencies = [each["currency"] for each in document["balances"]]
    set_ = {each["limit"]["currency"]: each["limit"]["amount"] for each in document["spend_limits"]}
    body = (
        f'<h2 id="spend-limit">{tr("Spend limit")}</h2>\n<p>'
        f"{tr('The most that all your crawlers together may spend here in a calendar month (UTC). Above it every fetch is refused before it costs anything. Leave it empty for no limit; 0 spends nothing.')}</p>\n"
    )
    for currency in currencies:
        field = f"limit.{currency}"
        shown = given.get(field, set_.get(currency, ""))
        body += (
            f'{_alert(wrong.get(field, ""))}<form method="post" action="{ACCOUNT}/spend-limit">\n'
            f'<input type="hidden" name="form" value="{mark}">\n<input type="hidden" name="currency" value="{currency}">\n'
            f'<label for="limit-{currency}">{tr("Limit a month in {currency}").format(currency=currency)}</label>\n'
            f'<input type="text" id="limit-{currency}" name="limit" inputmode="decimal" value="{escape(shown)}"'
            f"{_invalid(field in wrong)}>\n<button>{tr('Set the limit')}</button>\n</form>\n"
        )
    return body


def _party_form(
    party: Mapping[str, Any], mark: str, given: Mapping[str, str], wrong: Mapping[str, str]
) -> str:
    value = {name: escape(given.get(name, str(party[name]))) for name in _FIELDS}
    alerts = "".join(_alert(wrong[name]) for name in _FIELDS if name in wrong)
    return (
        f'<h2 id="billed-to">{tr("Who is billed")}</h2>\n'
        f"<p>{tr('It stands on every invoice from now on; documents that were issued stay as they are.')}</p>\n"
        f'{alerts}<form method="post" action="{ACCOUNT}/billed-to">\n<input type="hidden" name="form" value="{mark}">\n'
        f'<label for="name">{tr("Legal name")}</label>\n'
        f'<input type="text" id="name" name="name" maxlength="200" required autocomplete="organization" '
        f'value="{value["name"]}"{_invalid("name" in wrong)}>\n'
        f'<label for="address">{tr("Address")}</label>\n'
        f'<textarea id="address" name="address" maxlength="500" required autocomplete="street-address"'
        f"{_invalid('address' in wrong)}>{value['address']}</textarea>\n"
        f'<label for="tax_id">{tr("Tax id, such as a VAT number; empty if you have none")}</label>\n'
        f'<input type="text" id="tax_id" name="tax_id" maxlength="60" value="{value["tax_id"]}"'
        f"{_invalid('tax_id' in wrong)}>\n<button>{tr('Keep it')}</button>\n</form>\n"
    )


def _alert(text: str) -> str:
    return (
        f'<p class="wrong" role="alert">{escape(text)} {tr("Nothing that you typed was lost.")}</p>\n'
        if text
        else ""
    )


def _invalid(wrong: bool) -> str:
    return ' aria-invalid="true"' if wrong else ""


def charge_page(row: Mapping[str, Any], told: Iterable[tuple[str, str]]) -> str:
    """One charge: how it came about, step by step, and where its proof is."""
    receipt, check = f"{PREFIX}/receipts/{row['id']}", f"{PREFIX}/receipt?id={row['id']}"
    return (
        f"{pairs(tr('How this charge came about'), told)}"
        f"<p>{link(receipt, tr('The receipt as JSON'))}, {link(f'{receipt}.tlog-proof', '.tlog-proof')}, "
        f"{link(check, tr('check it step by step'))}</p>\n"
        f"<p>{link(ACCOUNT, tr('Back to the account'))}</p>\n"
    )


def trace_of(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The rows of `charge_page`: who, under which rule and license, at which price, and the id to prove it by."""
    amount = f"{row['amount']} {row['currency']}" if row["currency"] not in {"", "XXX"} else ""
    found = (
        (tr("Time"), row["time"]), (tr("Kind"), row["kind"]), (tr("Crawler"), row["crawler"]),
        (tr("Address"), f"{row['host']}{row['path']}"), (tr("Work"), row["work"]),
        (tr("License"), row["license"]), (tr("Terms hash"), row["terms"]), (tr("Rule of the owner's policy"), _rule(row["rule"])),
        (tr("Policy"), row["policy"]), (tr("Status"), row["status"]), (tr("Octets sent"), row["bytes"]),
        (tr("Why this price"), row["reason"]), (tr("Amount"), amount), (tr("Reference"), row["reference"]),
        (tr("Note"), row["memo"]), (tr("Record"), row["id"]),
    )  # fmt: skip
    return [(name, str(value)) for name, value in found if value not in {"", 0}]


def _rule(key: str) -> str:
    told = numbered(key)
    return retold(told) or told


def charges_page(
    rows: Sequence[Mapping[str, Any]], query: Mapping[str, str], following: str, own: str
) -> str:
    """One page of charges with the form that filters them; *following* and *own* are addresses, "" for none."""
    value = {name: escape(query.get(name, "")) for name in ("license", "from", "to")}
    checked = " checked" if query.get("charged") else ""
    files = ", ".join(
        link(own.replace("/charges?", f"/charges.{each}?"), each.upper()) for each in ("csv", "json")
    )
    more = f"<p>{link(following, tr('Older ones'))}</p>\n" if following else ""
    return (
        f'<form method="get" action="{ACCOUNT}/charges">\n'
        f'<label for="from">{tr("From (day, UTC)")}</label>\n<input type="date" id="from" name="from" value="{value["from"]}">\n'
        f'<label for="to">{tr("To (day, UTC)")}</label>\n<input type="date" id="to" name="to" value="{value["to"]}">\n'
        f'<label for="license">{tr("License")}</label>\n<input type="text" id="license" name="license" value="{value["license"]}">\n'
        f'<label class="box"><input type="checkbox" name="charged" value="1"{checked}> {tr("only what cost something")}</label>\n'
        f"<button>{tr('Show')}</button>\n</form>\n"
        f"{charge_table(rows, tr('Charges and payments'))}{more}"
        f"<p>{tr('Exactly these rows as a file:')} {files}</p>\n<p>{link(ACCOUNT, tr('Back to the account'))}</p>\n"
    )  # fmt: skip


def day_of(text: str) -> int | None:
    """The first microsecond of the day ``2026-11-26`` (UTC), or None where *text* is no day."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(day.timestamp()) * 1_000_000
