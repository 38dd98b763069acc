"""What the pages of one negotiation share: who looks, what was typed, and the pieces that several of them show. Pure HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Final

from gateway.desk.buyer_forms import hidden
from gateway.desk.metadata import PREFIX
from gateway.languages import later, tr
from gateway.licenses.contract import NOTICE
from gateway.licenses.lever_form import FIELDS
from gateway.licenses.negotiation import Negotiation, State
from gateway.licenses.plain_words import NAMES, lever_words
from gateway.licenses.private_links import BY_KEY, BY_MAIL, PrivateLink
from gateway.paper import original, pairs, reached
from gateway.terms.license_terms import LicenseTerms

NEGOTIATE: Final = f"{PREFIX}/negotiate"
#: Members of a party as a form asks for them.
PARTY: Final[Mapping[str, str]] = {
    "name": later("Legal name of the licensee"),
    "address": later("Its address"),
    "signatory": later("Who signs for it"),
    "authority": later("By what authority, such as director"),
}
#: What a fact is called.
FACT_LABELS: Final[Mapping[str, str]] = {
    "use_case": later("Use case"),
    "products": later("Products"),
    "model_class": later("Model class"),
    "redistribution": later("Redistribution"),
    "launch_date": later("Launch date"),
    "data_protection": later("Data protection"),
}
_MONTHS: Final = (
    later("January"), later("February"), later("March"), later("April"), later("May"), later("June"), later("July"),
    later("August"), later("September"), later("October"), later("November"), later("December"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into a form and could not be done: values and mistakes by field, and sentences about the rest."""

    values: Mapping[str, str] = field(default_factory=dict)
    mistakes: Mapping[str, str] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    act: str = ""

    def of(self, act: str) -> Typed:
        """What of it belongs to the form of that act."""
        return self if self.act == act else Typed()


@dataclass(frozen=True, slots=True)
class Seen:
    """One private page: the negotiation as it stands, its *link* in clear and as it is kept, and who negotiates.

    *site* is what the creator's site is called, *contact* where its owner can
    be written to, *mails* whether a mailbox can be proved here, *origin* the
    public one of the site.
    """

    negotiation: Negotiation
    address: str
    link: PrivateLink
    name: str
    site: str
    contact: str
    mails: bool
    now: int
    form: str
    origin: str

    @property
    def base(self) -> str:
        """The address of this page."""
        return f"{NEGOTIATE}/{self.address}"

    @property
    def accepted_at(self) -> str:
        """The version at which it was accepted, by which the same acceptance is sent again; "" where it was not."""
        found = [each.previous for each in self.negotiation.transcript if each.act == "acceptance"]
        return found[-1] if found else ""

    @property
    def stands(self) -> bool:
        """Whether what is on the table can be accepted now."""
        offered = self.negotiation.state in {State.OFFERED, State.ACCEPTED}
        return offered and self.negotiation.table is not None and self.now < self.negotiation.expires_at


def downloads(seen: Seen) -> str:
    """Where the document of it is had."""
    at = f"{seen.base}/contract"
    return (
        f'<p>{tr("The document:")} <a href="{at}?as=html">{tr("as a page")}</a>, <a href="{at}?as=pdf">{tr("as a PDF")}</a>, '
        f'<a href="{at}?as=json">{tr("as JSON")}</a>.</p>\n'
    )


def known_words(seen: Seen) -> str:
    """Whether somebody is known behind the page, and how to become so."""
    heading = f"<h2>{tr('Who you are')}</h2>\n"
    if seen.link.verified:
        by, whose = seen.link.proof
        how = {
            BY_MAIL: tr("you answered a mail"),
            BY_KEY: tr("you showed the key of {name}").format(name=whose),
        }.get(by, tr("the owner confirmed it"))
        return f"{heading}<p>{tr('Known: {how}.').format(how=escape(how))}</p>\n"
    to = escape(seen.link.email)
    if not seen.mails:
        write = (
            tr("You can write to {contact}.").format(contact=reached(seen.contact)) if seen.contact else ""
        )
        unknown = tr(
            "Nobody knows yet who you are, and nothing can be signed before that. "
            "This site sends no mail: its owner confirms you by hand, and reaches you at {mail}."
        )
        return f"{heading}<p>{unknown.format(mail=to)} {write}</p>\n{_key_words(seen)}"
    mailed = (
        tr("A link was sent to {mail}. Follow it within a day, and you can sign.")
        if seen.link.mail
        else tr("No link could be sent to {mail} yet. Nothing can be signed before you followed one.")
    )
    again = tr("Send the link again") if seen.link.mail else tr("Send the link")
    return (
        f"{heading}<p>{mailed.format(mail=to)}</p>\n"
        f'<form method="post" action="{seen.base}">\n{hidden(form=seen.form, version=seen.negotiation.version, act="mail")}'
        f"<button class='second'>{again}</button>\n</form>\n{_key_words(seen)}"
    )


def _key_words(seen: Seen) -> str:
    how = tr(
        "A program of yours can show who you are: one that signs its requests (Web Bot Auth), or one that logs in for a "
        "licensee approved here. It sends POST with the JSON body {body} to this address:"
    )
    return (
        f"<details><summary>{tr('Or by a key, without a mail')}</summary>\n<p>{how.format(body='<code>{}</code>')}</p>\n"
        f"<p><code>{escape(seen.origin + seen.base)}/key</code></p></details>\n"
    )


def until(at: int) -> str:
    """A moment in words, such as ``28 November 2026, 11:06 UTC``."""
    moment = datetime.fromtimestamp(at, UTC)
    return tr("{day} {month} {year}, {time} UTC").format(
        day=moment.day, month=tr(_MONTHS[moment.month - 1]), year=moment.year, time=f"{moment:%H:%M}"
    )


def notice() -> str:
    """The line that stands on every page."""
    return f'<p class="quiet"><strong>{escape(tr(NOTICE))}</strong></p>\n'


def levers(terms: LicenseTerms) -> str:
    """Every lever of *terms* in plain words: those of the contract, in its language."""
    words = lever_words(terms)
    return pairs(
        tr("Every term in plain words"), [(tr(name), original(words[lever])) for lever, name in NAMES.items()]
    )


def mistake_links(mistakes: Mapping[str, str]) -> dict[str, str]:
    """Mistakes by their fields, each with the name of its field before it."""
    labels = {
        **{each.name: tr(each.label) for each in FIELDS},
        **{f"facts.{name}": tr(label) for name, label in FACT_LABELS.items()},
        **{f"party.{name}": tr(label) for name, label in PARTY.items()},
        "company": tr("Company"), "email": tr("E-mail"), "client_id": tr("Client id"),
        "client_secret": tr("Client secret"),
    }  # fmt: skip
    return {name: f"{labels.get(name, '')} {said}".strip() for name, said in mistakes.items() if name}
