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
from gateway.licenses.contract import needs_names
from gateway.licenses.negotiation import State
from gateway.licenses.plain_words import TAX, price_words
from gateway.licenses.position import committed
from gateway.licenses.pricing import due_at_signing
from gateway.paper import pairs


def review_page(seen: Seen, document: Mapping[str, Any], digest: str, assent: str, typed: Typed) -> str:
    """The body of the last page before signing: every term, the whole document, and a form in which nothing is ticked."""
    terms = seen.negotiation.table
    assert terms is not None
    due, owed = due_at_signing(terms), committed(terms)
    price = [
        ("Price", price_words(terms)),
        ("Due at signing", str(due)),
        ("Owed over the term whatever is fetched", str(owed)),
        ("Tax", TAX),
        ("These terms stand until", until(seen.negotiation.expires_at)),
    ]
    return "".join(
        (
            notice(),
            f'<p><a href="{seen.base}">Back to the negotiation</a>, where you can still propose something else.</p>\n',
            trouble("It is not signed", typed.sentences, mistake_links(typed.mistakes)),
            f"<h2>Every term in plain words</h2>\n{levers(terms)}",
            f"<h2>What it costs</h2>\n{pairs('Price', price)}",
            f"<h2>The document: {escape(document['heading'])}</h2>\n{downloads(seen)}",
            "<details><summary>Read the whole document here</summary>\n",
            contract_page(document, digest).replace("<h2>", "<h3>").replace("</h2>", "</h3>"),
            "</details>\n<h2>Sign</h2>\n",
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
        "<p>You accepted these very terms, and what you declared is kept. What was in the way may be settled now; "
        "then this completes it. Nothing is paid twice.</p>\n"
        f'<form method="post" action="{seen.base}/review">\n{carried}<button>Complete it</button>\n</form>\n'
    )


def _signing(seen: Seen, assent: str, typed: Typed) -> str:
    negotiation = seen.negotiation
    assert negotiation.table is not None
    named = needs_names(negotiation.table, negotiation.offer.tier, committed(negotiation.table), None)
    needed = " required" if named else ""
    why = (
        "A deal of this kind needs all four."
        if named
        else "You may leave these empty; if the deal needs them you are told."
    )
    wrong = typed.mistakes.get("agree", "")
    marks = ' aria-invalid="true" aria-describedby="field-agree-wrong"' if wrong else ""
    return (
        f'<form method="post" action="{seen.base}/review">\n'
        f"{hidden(form=seen.form, version=negotiation.version, terms_hash=negotiation.table.hash)}"
        f"<fieldset><legend>The licensee</legend>\n<p>{why}</p>\n"
        + "".join(
            text_field(f"party.{name}", label, typed.values, typed.mistakes, more=needed)
            for name, label in PARTY.items()
        )
        + "</fieldset>\n<p>What you declare, word for word, and what is kept:</p>\n"
        f"<blockquote><p>{escape(assent)}</p></blockquote>\n"
        f'<label class="box"><input type="checkbox" name="agree" id="field-agree" required{marks}>I declare this.</label>\n'
        + (f'<p class="wrong" id="field-agree-wrong">{escape(wrong)}</p>\n' if wrong else "")
        + "<button>Sign</button>\n</form>\n"
    )


def secret_page(seen: Seen, client: str, secret: str) -> str:
    """The body of the page that shows a client secret, once."""
    return (
        f"<p>Write this down now: it is shown once.</p>\n{pairs('Login', [('Client id', client), ('Client secret', secret)])}"
        f'<p><a href="{PREFIX}/">How a program uses it</a> · <a href="{seen.base}">Back</a></p>\n'
    )


def mailbox_page(address: str, form: str, wrong: str = "") -> str:
    """The body of the page that a mail leads to; a button, because programs that look at mails follow links."""
    return (
        f"{notice()}{trouble('Nothing was done', [wrong] if wrong else [])}"
        "<p>By this you show that the mailbox is yours. Nothing is signed by it.</p>\n"
        f'<form method="post" action="{escape(address)}">\n{hidden(form=form)}<button>This mailbox is mine</button>\n</form>\n'
    )
