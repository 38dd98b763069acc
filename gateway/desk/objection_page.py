"""The form for objections and what is answered to it, as pages for people; no script. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from gateway.desk.license_page import moment
from gateway.languages import later, tr
from gateway.licenses.objection import FIELDS, Objection, ObjectionState, Role
from gateway.paper import pairs

#: A field that people do not see; a program that fills in everything fills it in.
TRAP: Final = "website"
_LEAD: Final = later(
    "{site} licenses its pages to AI companies. If a page shows you, if you made it or hold rights in it, and you do"
    " not agree to that, say so here. The owner reads it and decides; you can read here what came of it."
)
_KEPT: Final = later(
    "Your name, how to reach you and your reason are read by the owner of this site alone, stand apart from everything"
    " else, and can be erased. They are in no feed, no token and no log of fetches. What was fetched before cannot be"
    " called back from here; what can be stopped is further licensing."
)
_STATES: Final[Mapping[ObjectionState, str]] = {
    ObjectionState.OPEN: later("It waits for the owner of this site, who decides in person."),
    ObjectionState.HELD: later(
        "It waits for the owner of this site. Meanwhile no license for this page is sold."
    ),
    ObjectionState.UPHELD: later("The owner agreed and withdrew the page from AI crawlers."),
    ObjectionState.DISMISSED: later("The owner did not agree."),
}


def form_page(given: Mapping[str, str], site: str, wrong: str = "") -> str:
    """The form, filled in with what was *given*; *wrong* is the sentence that says what to correct."""
    value = {name: escape(given.get(name, "")) for name in FIELDS}
    roles = "".join(
        f'<label class="one"><input type="radio" name="role" value="{role}" required'
        f"{' checked' if given.get('role') == role else ''}> {escape(tr(role.words))}</label>\n"
        for role in Role
    )
    lead = tr(_LEAD).format(site=escape(site))
    alert = (
        f'<p class="wrong" role="alert"><strong>{escape(wrong)}</strong> {tr("Nothing was lost.")}</p>\n'
        if wrong
        else ""
    )
    return (
        f"<p>{lead}</p>\n{alert}"
        '<form method="post" action="/.licet/objections">\n'
        f'<label for="url">{tr("Address of the page")}</label>\n'
        f'<input type="text" id="url" name="url" value="{value["url"]}" maxlength="{FIELDS["url"]}" required '
        'inputmode="url">\n'
        f"<fieldset><legend>{tr('What are you to it?')}</legend>\n{roles}</fieldset>\n"
        f'<label for="name">{tr("Your name")}</label>\n'
        f'<input type="text" id="name" name="name" value="{value["name"]}" maxlength="{FIELDS["name"]}" required '
        'autocomplete="name">\n'
        f'<label for="contact">{tr("How to reach you (e-mail, telephone or address)")}</label>\n'
        f'<input type="text" id="contact" name="contact" value="{value["contact"]}" maxlength="{FIELDS["contact"]}" '
        'required autocomplete="email">\n'
        f'<label for="why">{tr("Why you object")}</label>\n'
        f'<textarea id="why" name="why" maxlength="{FIELDS["why"]}" required>{value["why"]}</textarea>\n'
        f'<p class="trap" aria-hidden="true"><label for="{TRAP}">{tr("Leave this empty")}</label>'
        f'<input type="text" id="{TRAP}" name="{TRAP}" tabindex="-1" autocomplete="off"></p>\n'
        f"<button>{tr('Send the objection')}</button>\n</form>\n"
        f'<p class="quiet">{tr(_KEPT)}</p>\n'
    )


def state_page(objection: Objection, origin: str) -> str:
    """How far *objection* is, for whoever knows its id; nothing of who made it."""
    rows = [
        (tr("Objection"), objection.id),
        (tr("Page"), f"{origin}{objection.path}"),
        (tr("Sent"), moment(objection.at)),
        (tr("State"), tr(str(objection.state))),
    ]
    if objection.state.is_over:
        rows.append((tr("Decided"), moment(objection.decided_at)))
    if objection.answer:
        rows.append((tr("The owner says"), objection.answer))
    return (
        f"<p>{escape(tr(_STATES[objection.state]))}</p>\n"
        f"{pairs(tr('What came of it'), rows)}"
        f"<p>{tr('Keep this address to read it again:')} <code>{escape(origin)}/.licet/objections/{escape(objection.id)}</code>"
        "</p>\n"
    )
