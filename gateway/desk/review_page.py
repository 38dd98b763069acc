"""The pages around signing: the review of every term and the whole document, a secret shown once, a mailbox proved. Pure HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from gateway.desk.buyer_forms import hidden, text_field, trouble
from gateway.desk.buyer_view import (
    PARTY,
    Seen,
    Typed,
    downloads,
    known_words,
    levers,
    mistake_links,
    notice,
    until,
)
from gateway.desk.contract_page import contract_page
from gateway.desk.metadata import PREFIX
from gateway.languages import foreign, tr
from gateway.licenses.contract import needs_names
from gateway.licenses.negotiation import State
from gateway.licenses.plain_words import TAX, price_words
from gateway.licenses.position import committed
from gateway.licenses.pricing import due_at_signing
from gateway.paper import original, pairs


def review_page(seen: Seen, document: Mapping[str, Any], digest: str, assent: str, typed: Typed) -> str:
    """The body of the last page before signing: every term, the whole document, and a form in which nothing is ticked."""
    terms = seen.negotiation.table
    assert terms is not None
    due, owed = due_at_signing(terms), committed(terms)
    price = [
        (tr("Price"), original(price_words(terms))),
        (tr("Due at signing"), str(due)),
        (tr("Owed over the term whatever is fetched"), str(owed)),
        (tr("Tax"), tr(TAX)),
        (tr("These terms stand until"), until(seen.negotiation.expires_at)),
    ]
    return "".join(
        (
            notice(),
            f'<p><a href="{seen.base}">{tr("Back to the negotiation")}</a>{tr(", where you can still propose something else.")}</p>\n',
            trouble(tr("It is not signed"), typed.sentences, mistake_links(typed.mistakes)),
            f"<h2>{tr('Every term in plain words')}</h2>\n{levers(terms)}",
            f"<h2>{tr('What it costs')}</h2>\n{pairs(tr('Price'), price)}",
            f"<h2>{tr('The document:')} <span{foreign()}>{escape(document['heading'])}</span></h2>\n{downloads(seen)}",
            f"<details><summary>{tr('Read the whole document here')}</summary>\n<div{foreign()}>",
            contract_page(document, digest).replace("<h2>", "<h3>").replace("</h2>", "</h3>"),
            f"</div></details>\n<h2>{tr('Sign')}</h2>\n",
            _last(seen, assent, typed),
        )
    )


def _last(seen: Seen, assent: str, typed: Typed) -> str:
    if not seen.link.verified:
        return known_words(seen).split("\n", 1)[1]
    if seen.negotiation.state is not State.ACCEPTED:
        return _signing(seen, assent, typed)
    table = seen.negotiation.table
    carried = hidden(
        form=seen.form, version=seen.accepted_at, terms_hash=table.hash if table else "", agree="on"
    )
    return (
        f"<p>{tr('You accepted these very terms, and what you declared is kept. What was in the way may be settled now; then this completes it. Nothing is paid twice.')}</p>\n"
        f'<form method="post" action="{seen.base}/review">\n{carried}<button>{tr("Complete it")}</button>\n</form>\n'
    )


def _signing(seen: Seen, assent: str, typed: Typed) -> str:
    negotiation = seen.negotiation
    assert negotiation.table is not None
    named = needs_names(negotiation.table, negotiation.offer.tier, committed(negotiation.table), None)
    needed = " required" if named else ""
    why = (
        tr("A deal of this kind needs all four.")
        if named
        else tr("You may leave these empty; if the deal needs them you are told.")
    )
    wrong = typed.mistakes.get("agree", "")
    marks = ' aria-invalid="true" aria-describedby="field-agree-wrong"' if wrong else ""
    return (
        f'<form method="post" action="{seen.base}/review">\n'
        f"{hidden(form=seen.form, version=negotiation.version, terms_hash=negotiation.table.hash)}"
        f"<fieldset><legend>{tr('The licensee')}</legend>\n<p>{why}</p>\n"
        + "".join(
            text_field(f"party.{name}", tr(label), typed.values, typed.mistakes, more=needed)
            for name, label in PARTY.items()
        )
        + f"</fieldset>\n<p>{tr('What you declare, word for word, and what is kept:')}</p>\n"
        f"<blockquote{foreign()}><p>{escape(assent)}</p></blockquote>\n"
        f'<label class="box"><input type="checkbox" name="agree" id="field-agree" required{marks}>{tr("I declare this.")}</label>\n'
        + (f'<p class="wrong" id="field-agree-wrong">{escape(wrong)}</p>\n' if wrong else "")
        + f"<button>{tr('Sign')}</button>\n</form>\n"
    )


def secret_page(seen: Seen, client: str, secret: str) -> str:
    """The body of the page that shows a client secret, once."""
    return (
        f"<p>{tr('Write this down now: it is shown once.')}</p>\n{pairs(tr('Login'), [(tr('Client id'), client), (tr('Client secret'), secret)])}"
        f'<p><a href="{PREFIX}/">{tr("How a program uses it")}</a> · <a href="{seen.base}">{tr("Back")}</a></p>\n'
    )


def mailbox_page(address: str, form: str, wrong: str = "") -> str:
    """The body of the page that a mail leads to; a button, because programs that look at mails follow links."""
    return (
        f"{notice()}{trouble(tr('Nothing was done'), [wrong] if wrong else [])}"
        f"<p>{tr('By this you show that the mailbox is yours. Nothing is signed by it.')}</p>\n"
        f'<form method="post" action="{escape(address)}">\n{hidden(form=form)}<button>{tr("This mailbox is mine")}</button>\n</form>\n'
    )
