"""What an author sees by its link: the uses, what they cost, its share, how things stand; a form without a script. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from gateway.desk.license_page import moment
from gateway.licenses.consent import Answer, Consent, consented
from gateway.licenses.contract import price_parts
from gateway.paper import pairs, table
from gateway.terms.license_terms import Offer
from gateway.uses import Use

#: What each use means, for somebody who was never told.
MEANINGS: Final[Mapping[Use, str]] = {
    Use.SEARCH: "pages are listed in search results",
    Use.AI_INPUT: "an AI reads a page to answer somebody's question",
    Use.AI_INDEX: "pages are turned into vectors, so that an AI finds passages in them",
    Use.AI_TRAIN: "a model is trained on the work; this cannot be undone",
    Use.FINE_TUNE: "a model that exists is trained further on the work",
    Use.TDM: "the work is analyzed by machine for patterns and statistics",
}
_TIERS: Final = {
    1: "1, the work becomes part of a model: the highest price",
    2: "2, indexes and features: in between",
    3: "3, answers: the lowest price, often",
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
    done = '<p class="wrong" role="status"><strong>Your answers are kept.</strong></p>\n' if saved else ""
    rows = [
        ("You are", consent.author),
        ("Work", consent.work),
        ("Your share", consent.share if consent.share_micros else "none is agreed here"),
        ("Asked", moment(consent.asked_at)),
    ]
    if consent.representative:
        rows.append(
            ("Your part", "You represent all authors of this work: your consent stands for everybody's.")
        )
    priced = [
        (
            offer.id,
            ", ".join(sorted(offer.uses)),
            _TIERS[offer.tier],
            "; ".join(price_parts(offer.terms)) or "nothing",
        )
        for offer in offers
    ]
    prices = (
        table("What is on offer with this work", ("Offer", "Uses", "Price class", "Price"), priced)
        if priced
        else "<p>Nothing is on offer with this work at the moment.</p>\n"
    )
    return (
        f"{done}<p>{escape(title)} would like to license a work to AI companies that you have a part in. Nothing is sold "
        "for a use before everybody who was asked consents, or a representative does; one who declines stops all "
        f"new sales of it. You can change your answers here at any time.</p>\n{pairs('What you are asked about', rows)}"
        f"<h2>What it would bring</h2>\n{prices}"
        f"<h2>Your answers</h2>\n{_form(consent)}"
        f"<h2>How things stand</h2>\n{_standing(asked)}"
        '<p class="quiet">Licenses that were sold before go on until they end; what was trained cannot be called back. '
        "This address is yours alone: whoever has it answers for you. A starting point that needs counsel; not legal "
        "advice.</p>\n"
    )


def _form(consent: Consent) -> str:
    fields = "".join(_field(consent, use) for use in Use)
    return f'<form method="post">\n{fields}<button>Keep my answers</button>\n</form>\n'


def _field(consent: Consent, use: Use) -> str:
    said = next((answer for each, answer, _ in consent.answers if each is use), None)
    options = "".join(
        f'<label class="one"><input type="radio" name="{use}" value="{answer}"{" checked" if said is answer else ""}> '
        f"{words}</label>\n"
        for answer, words in ((Answer.CONSENT, "I consent"), (Answer.DECLINE, "I decline"))
    )
    return f"<fieldset><legend>{use}: {escape(MEANINGS[use])}</legend>\n{options}</fieldset>\n"


def _standing(asked: tuple[Consent, ...]) -> str:
    """What may be sold, without saying who said what."""
    agreed = consented(asked)
    declined = frozenset[Use]().union(*(each.uses(Answer.DECLINE) for each in asked))
    rows = [
        (
            str(use),
            "may be sold"
            if use in agreed
            else "not sold: somebody declined"
            if use in declined
            else "not sold: not everybody has consented",
        )
        for use in Use
    ]
    count = "one author was" if len(asked) == 1 else f"{len(asked)} authors were"
    return f"<p>{count.capitalize()} asked.</p>\n{pairs('What may be sold', rows)}"
