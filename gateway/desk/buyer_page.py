"""The pages on which a person negotiates in a browser: choose, propose, read, review, sign. Pure HTML.

Every page says that it is no legal advice. Nothing is ticked beforehand, and
nothing counts down: when terms on the table end is said in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

import orjson

from gateway.desk.buyer_forms import hidden, lever_groups, text_field, told, trouble
from gateway.desk.buyer_view import (
    FACT_LABELS,
    NEGOTIATE,
    Seen,
    Typed,
    downloads,
    known_words,
    levers,
    mistake_links,
    notice,
    until,
)
from gateway.languages import foreign, later, tr
from gateway.licenses.lever_form import FIELDS, first_asked
from gateway.licenses.negotiation import Entry, Negotiation, State
from gateway.licenses.plain_words import NAMES, TAX, beside, lever_words, price_words
from gateway.licenses.position import FACTS, USUAL_FACTS
from gateway.paper import original, pairs, reached, table
from gateway.terms.license_terms import LicenseTerms, Offer

_WELCOME: Final = later(
    "You negotiate here in a browser, without an account. You get a private link to come back to. "
    "Nothing binds anybody before both sides have signed."
)
_KEEP: Final = later(
    "Keep this address to yourself: who has it negotiates for {}. Save it as a bookmark; it cannot be looked up."
)
_STATES: Final = {
    State.REQUESTED: later("Your proposal was heard."),
    State.OFFERED: later("Terms are on the table."),
    State.ACCEPTED: later("You accepted; the license is not made yet."),
    State.AGREED: later("It is agreed."),
    State.VERIFIED: later("It is agreed."),
    State.FINALIZED: later("It is agreed and released."),
    State.TERMINATED: later("This negotiation has ended."),
}


def start_page(
    offers: tuple[Offer, ...], chosen: Offer | None, typed: Typed, *, form: str, contact: str, invited: bool
) -> str:
    """The body of the first page: what is on offer and, for the *chosen* one, the form to propose with.

    *invited* says that nobody registers here without the owner's token, so only
    who has an account can go on.
    """
    listed = "".join(
        f'<li><a href="{NEGOTIATE}?offer={escape(each.id)}"{_current(each, chosen)}>{escape(each.id)}</a>: '
        f"<span{foreign()}>{escape(_brief(each))}</span></li>\n"
        for each in offers
    )
    parts = [
        notice(),
        f"<p>{tr(_WELCOME)}</p>\n",
        f"<h2>{tr('What is on offer')}</h2>\n<ul>\n{listed}</ul>\n"
        if offers
        else f"<p>{tr('Nothing is on offer at the moment.')}</p>\n",
    ]
    if chosen is not None:
        parts.append(_proposing(chosen, typed, form=form, contact=contact, invited=invited))
    return "".join(parts)


def _current(offer: Offer, chosen: Offer | None) -> str:
    return ' aria-current="true"' if chosen is not None and offer.id == chosen.id else ""


def _proposing(offer: Offer, typed: Typed, *, form: str, contact: str, invited: bool) -> str:
    values, mistakes = typed.values, typed.mistakes
    if invited:
        who = " " + tr("Ask {contact} for one.").format(contact=reached(contact)) if contact else ""
        account = f"<p>{tr('Only who has an account here can negotiate.')}{who}</p>\n"
    else:
        account = f"<p>{tr('Leave this empty if you have none. With it you are known at once.')}</p>\n"
    return "".join(
        (
            f"<h2>{tr('The offer {offer}').format(offer=escape(offer.id))}</h2>\n{levers(offer.terms)}<p>{escape(tr(TAX))}</p>\n",
            f"<h2>{tr('Your proposal')}</h2>\n",
            trouble(tr("This cannot be sent yet"), typed.sentences, mistake_links(mistakes)),
            f'<form method="post" action="{NEGOTIATE}">\n{hidden(form=form, offer=offer.id)}',
            f"<fieldset><legend>{tr('Who you are')}</legend>\n",
            text_field(
                "company",
                tr("Company"),
                values,
                mistakes,
                longest=200,
                more=' required autocomplete="organization"',
            ),
            text_field(
                "email",
                tr("E-mail"),
                values,
                mistakes,
                kind="email",
                longest=254,
                hint=tr("to show who you are before anything is signed"),
                more=' required autocomplete="email"',
            ),
            f"<details{' open' if invited or 'client_id' in mistakes else ''}><summary>{tr('You have an account here')}</summary>\n{account}",
            text_field(
                "client_id", tr("Client id"), values, mistakes, more=' autocomplete="off" spellcheck="false"'
            ),
            text_field(
                "client_secret",
                tr("Client secret"),
                {},
                mistakes,
                kind="password",
                more=' autocomplete="off"',
            ),
            "</details></fieldset>\n",
            f"<fieldset><legend>{tr('What you want it for')}</legend>\n",
            *(_fact(name, values, mistakes) for name in USUAL_FACTS[offer.tier]),
            "</fieldset>\n",
            _lever_form(offer.terms, values, mistakes),
            f"<button>{tr('Send the proposal')}</button>\n</form>\n",
        )
    )


def _lever_form(terms: LicenseTerms, values: Mapping[str, str], mistakes: Mapping[str, str]) -> str:
    """The fields that a buyer comes for, and all others folded away."""
    currency, first = terms.compensation.currency, first_asked(terms)
    rest = [each for each in FIELDS if each not in first]
    wrong = any(each.name in mistakes for each in rest)
    return (
        f"<p>{tr('The fields hold the terms as they stand; change what you want otherwise.')}</p>\n"
        f"{lever_groups(first, values, mistakes, currency)}"
        f"<details{' open' if wrong else ''}><summary>{tr('Every other term')}</summary>\n"
        f"{lever_groups(rest, values, mistakes, currency)}</details>\n"
    )


def negotiation_page(seen: Seen, typed: Typed, values: Mapping[str, str], remark: str = "") -> str:
    """The body of a private page; *values* are what the form for another proposal holds."""
    negotiation = seen.negotiation
    parts = [
        notice(),
        f"<p>{tr(_KEEP).format(escape(seen.name))}</p>\n",
        told(remark),
        trouble(tr("Nothing was done"), typed.sentences, mistake_links(typed.mistakes)),
        f"<h2>{tr('Where it stands')}</h2>\n<p><strong>{escape(tr(_STATES[negotiation.state]))}</strong> {_next(seen)}</p>\n",
    ]
    if negotiation.missing:
        parts.append(_facts_form(seen, typed.of("facts")))
    if seen.stands:
        parts.append(_on_the_table(seen))
    if negotiation.state in {State.AGREED, State.FINALIZED}:
        parts.append(_agreed(seen))
    elif not negotiation.state.is_over:
        parts.append(known_words(seen))
    parts.append(_compared(negotiation))
    if negotiation.state in {State.REQUESTED, State.OFFERED}:
        parts.append(_again(seen, typed.of("propose"), values))
    parts.append(_transcript(negotiation))
    return "".join(parts)


def _next(seen: Seen) -> str:
    negotiation = seen.negotiation
    if negotiation.person:
        why = f"<span{foreign()}>{escape('; '.join(negotiation.person))}</span>"
        waits = tr(
            "A person at the owner decides, because: {why}. Come back to this page; nothing else is needed of you."
        )
        return waits.format(why=why)
    if negotiation.missing:
        return tr("Before anything is priced, you are asked for what stands below.")
    if negotiation.state is State.TERMINATED:
        another = f"<a href='{NEGOTIATE}'>{tr('Begin another one')}</a>"
        return f"<span{foreign()}>{escape(negotiation.why)}</span> {another}."
    if negotiation.state is State.ACCEPTED:
        again = f"<a href='{seen.base}/review'>{tr('Send your acceptance again')}</a>"
        return tr("{again}, which completes it and costs nothing twice.").format(again=again)
    if seen.stands:
        own = negotiation.bids and negotiation.bids[-1] == negotiation.table
        what = tr("The owner agrees to what you proposed.") if own else tr("The owner makes you an offer.")
        return f"{what} {tr('It stands until {time}.').format(time=until(negotiation.expires_at))}"
    if negotiation.state is State.OFFERED:
        return tr("What was on the table has expired; propose again.")
    if negotiation.state is State.AGREED:
        return tr("Confirm that the agreement is what you accepted; then the license can be used.")
    return ""


def _on_the_table(seen: Seen) -> str:
    terms = seen.negotiation.table
    assert terms is not None
    said = orjson.loads(
        next(each for each in reversed(seen.negotiation.transcript) if each.act == "offer").body
    )
    changes = [
        (tr(NAMES[lever]), original(said["changes"][lever])) for lever in NAMES if lever in said["changes"]
    ]
    why = (
        f"<h3>{tr('Why it is not what you proposed')}</h3>\n{pairs(tr('Changes'), changes)}"
        if changes
        else ""
    )
    return (
        f"<h2>{tr('On the table')}</h2>\n{levers(terms)}{why}"
        f'<p><a href="{seen.base}/review">{tr("Review everything, and sign")}</a></p>\n'
    )


def _agreed(seen: Seen) -> str:
    negotiation = seen.negotiation
    confirm = ""
    if negotiation.state is State.AGREED:
        confirm = (
            f'<form method="post" action="{seen.base}">\n{hidden(form=seen.form, version=negotiation.version, act="verify")}'
            f"<button>{tr('The agreement is what I accepted')}</button>\n</form>\n"
        )
    keys = ""
    if negotiation.state is State.FINALIZED:
        keys = (
            f"<h3>{tr('For your programs')}</h3>\n<p>{tr('A program gets tokens for this license with a client id and a secret. The secret is shown once; asking again makes another one, and the one before is good for a day.')}</p>\n"
            f'<form method="post" action="{seen.base}">\n{hidden(form=seen.form, version=negotiation.version, act="secret")}'
            f"<button class='second'>{tr('Show a client secret')}</button>\n</form>\n"
        )
    return (
        f"<h2>{tr('The license')}</h2>\n<p>{tr('License')} <code>{escape(negotiation.license)}</code>.</p>\n"
        f"{downloads(seen)}{confirm}{keys}"
    )


def _compared(negotiation: Negotiation) -> str:
    rows = beside(negotiation.proposal or negotiation.offer.terms, negotiation.offer.terms)
    changed = [(tr(row.name), original(row.other), original(row.one)) for row in rows if not row.same]
    same = ", ".join(_within(tr(row.name)) for row in rows if row.same)
    heading = f"<h2>{tr('Your proposal')}</h2>\n"
    if not changed:
        return f"{heading}<p>{tr('You proposed the published offer as it is.')}</p>\n"
    rest = f"<p>{tr('As published:')} {same}.</p>\n" if same else ""
    columns = (tr("Term"), tr("Published"), tr("You proposed"))
    return heading + table(tr("What you proposed otherwise than published"), columns, changed) + rest


def _within(name: str) -> str:
    """*name* within a sentence; German nouns keep their capital."""
    return name if foreign() else name.lower()


def _facts_form(seen: Seen, typed: Typed) -> str:
    fields = "".join(_fact(name, typed.values, typed.mistakes) for name in seen.negotiation.missing)
    carried = hidden(form=seen.form, version=seen.negotiation.version, act="facts")
    return (
        f'<h2>{tr("What is asked of you")}</h2>\n<form method="post" action="{seen.base}">\n{carried}{fields}'
        f"<button>{tr('Send')}</button>\n</form>\n"
    )


def _again(seen: Seen, typed: Typed, values: Mapping[str, str]) -> str:
    negotiation = seen.negotiation
    terms = negotiation.table or negotiation.proposal or negotiation.offer.terms
    carried = hidden(form=seen.form, version=negotiation.version)
    fields = _lever_form(terms, typed.values or values, typed.mistakes)
    return (
        f"<h2>{tr('Propose something else')}</h2>\n<details{' open' if typed.act else ''}><summary>{tr('Change the terms')}</summary>\n"
        f'<form method="post" action="{seen.base}">\n{carried}{hidden(act="propose")}{fields}'
        f"<button>{tr('Send the proposal')}</button>\n</form></details>\n"
        f'<form method="post" action="{seen.base}">\n{carried}{hidden(act="end")}'
        f"<button class='second'>{tr('End this negotiation')}</button>\n</form>\n"
    )


def _transcript(negotiation: Negotiation) -> str:
    rows = [
        (str(each.nth), until(each.at), tr(str(each.by)), original(_said(each)))
        for each in negotiation.transcript
    ]
    lead = tr(
        "Each entry holds the hash of the one before, so neither side can rewrite it. The last hash is {hash}."
    )
    columns = (tr("Number"), tr("When"), tr("Who"), tr("What"))
    return (
        f"<h2>{tr('What was said')}</h2>\n<p>{lead.format(hash=f'<code>{escape(negotiation.version)}</code>')}</p>\n"
        f"{table(tr('Transcript'), columns, rows)}"
    )


def _said(entry: Entry) -> str:
    """What an entry of the transcript says, in the language in which it was said."""
    body: Mapping[str, Any] = orjson.loads(entry.body)
    match entry.act:
        case "question":
            return f"asked for {', '.join(FACT_LABELS[name].lower() for name in body['missing'])}"
        case "referral":
            return f"left it to a person: {'; '.join(body['why'])}"
        case "termination":
            return f"ended it: {body['why']}"
        case "acceptance":
            return f"accepted: {body['assent']}"
        case "agreement":
            return f"made the license {body['license']}"
        case _:
            return {
                "proposal": "proposed terms",
                "offer": "put terms on the table",
                "verification": "confirmed the agreement",
            }.get(entry.act, "released the license")


def _brief(offer: Offer) -> str:
    words = lever_words(offer.terms)
    return f"{words[next(iter(NAMES))].rstrip('.')}; {price_words(offer.terms)}"


def _fact(name: str, values: Mapping[str, str], mistakes: Mapping[str, str]) -> str:
    label, hint = tr(FACT_LABELS[name]), tr(FACTS[name])
    if name == "model_class":
        chosen = values.get(f"facts.{name}", "")
        options = "".join(
            f'<option value="{value}"{" selected" if value == chosen else ""}>{text}</option>'
            for value, text in (
                ("", tr("not said yet")),
                ("none", tr("no model is trained")),
                ("closed", tr("its weights stay closed")),
                ("open", tr("its weights are released")),
            )
        )
        return f'<label for="field-facts.{name}">{label}</label><select id="field-facts.{name}" name="facts.{name}">{options}</select>\n'
    rows = 3 if name in {"use_case", "data_protection"} else 0
    more = ' placeholder="2027-03-01" autocomplete="off"' if name == "launch_date" else ""
    return text_field(f"facts.{name}", label, values, mistakes, hint=hint, longest=2000, rows=rows, more=more)
