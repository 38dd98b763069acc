"""What an author sees by its link: the uses, what they cost, its share, how things stand; a form without a script. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from gateway.desk.license_page import moment
from gateway.languages import later, tr, trn
from gateway.licenses.consent import Answer, Consent, consented
from gateway.licenses.contract import price_parts
from gateway.paper import original, pairs, table
from gateway.terms.license_terms import Offer
from gateway.uses import Use

#: What each use means, for somebody who was never told.
MEANINGS: Final[Mapping[Use, str]] = {
    Use.SEARCH: later("pages are listed in search results"),
    Use.AI_INPUT: later("an AI reads a page to answer somebody's question"),
    Use.AI_INDEX: later("pages are turned into vectors, so that an AI finds passages in them"),
    Use.AI_TRAIN: later("a model is trained on the work; this cannot be undone"),
    Use.FINE_TUNE: later("a model that exists is trained further on the work"),
    Use.TDM: later("the work is analyzed by machine for patterns and statistics"),
}
_TIERS: Final = {
    1: later("1, the work becomes part of a model: the highest price"),
    2: later("2, indexes and features: in between"),
    3: later("3, answers: the lowest price, often"),
}


def consent_page(
    consent: Consent,
    everybody: Iterable[Consent],
    offers: Iterable[Offer],
    title: str,
    *,
    saved: bool = False,
) -> str:
    """The body of the page of *consent*; *everybody* are all who were asked about the work, *offers* sell it."""
    asked = tuple(everybody)
    done = (
        f'<p class="wrong" role="status"><strong>{tr("Your answers are kept.")}</strong></p>\n'
        if saved
        else ""
    )
    rows = [
        (tr("You are"), consent.author),
        (tr("Work"), consent.work),
        (tr("Your share"), consent.share if consent.share_micros else tr("none is agreed here")),
        (tr("Asked"), moment(consent.asked_at)),
    ]
    if consent.representative:
        rows.append(
            (
                tr("Your part"),
                tr("You represent all authors of this work: your consent stands for everybody's."),
            )
        )
    priced = [
        (
            offer.id,
            ", ".join(sorted(offer.uses)),
            tr(_TIERS[offer.tier]),
            original("; ".join(price_parts(offer.terms))) or tr("nothing"),
        )
        for offer in offers
    ]
    columns = (tr("Offer"), tr("Uses"), tr("Price class"), tr("Price"))
    prices = (
        table(tr("What is on offer with this work"), columns, priced)
        if priced
        else f"<p>{tr('Nothing is on offer with this work at the moment.')}</p>\n"
    )
    wish = tr(
        "{site} would like to license a work to AI companies that you have a part in. Nothing is sold for a use "
        "before everybody who was asked consents, or a representative does; one who declines stops all new sales "
        "of it. You can change your answers here at any time."
    ).format(site=escape(title))
    end = tr(
        "Licenses that were sold before go on until they end; what was trained cannot be called back. This address "
        "is yours alone: whoever has it answers for you. A starting point that needs counsel; not legal advice."
    )
    return (
        f"{done}<p>{wish}</p>\n{pairs(tr('What you are asked about'), rows)}"
        f"<h2>{tr('What it would bring')}</h2>\n{prices}"
        f"<h2>{tr('Your answers')}</h2>\n{_form(consent)}"
        f"<h2>{tr('How things stand')}</h2>\n{_standing(asked)}"
        f'<p class="quiet">{end}</p>\n'
    )


def _form(consent: Consent) -> str:
    fields = "".join(_field(consent, use) for use in Use)
    return f'<form method="post">\n{fields}<button>{tr("Keep my answers")}</button>\n</form>\n'


def _field(consent: Consent, use: Use) -> str:
    said = next((answer for each, answer, _ in consent.answers if each is use), None)
    options = "".join(
        f'<label class="one"><input type="radio" name="{use}" value="{answer}"{" checked" if said is answer else ""}> '
        f"{words}</label>\n"
        for answer, words in ((Answer.CONSENT, tr("I consent")), (Answer.DECLINE, tr("I decline")))
    )
    return f"<fieldset><legend>{use}: {escape(tr(MEANINGS[use]))}</legend>\n{options}</fieldset>\n"


def _standing(asked: tuple[Consent, ...]) -> str:
    """What may be sold, without saying who said what."""
    agreed = consented(asked)
    declined = frozenset[Use]().union(*(each.uses(Answer.DECLINE) for each in asked))
    rows = [
        (
            str(use),
            tr("may be sold")
            if use in agreed
            else tr("not sold: somebody declined")
            if use in declined
            else tr("not sold: not everybody has consented"),
        )
        for use in Use
    ]
    count = trn("{count} author was asked.", "{count} authors were asked.", len(asked)).format(
        count=len(asked)
    )
    return f"<p>{count}</p>\n{pairs(tr('What may be sold'), rows)}"
