"""The form for objections and what is answered to it, as pages for people; no script. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from gateway.desk.license_page import moment
from gateway.licenses.objection import FIELDS, Objection, ObjectionState, Role
from gateway.paper import pairs

#: A field that people do not see; a program that fills in everything fills it in.
TRAP: Final = "website"
_STATES: Final[Mapping[ObjectionState, str]] = {
    ObjectionState.OPEN: "It waits for the owner of this site, who decides in person.",
    ObjectionState.HELD: "It waits for the owner of this site. Meanwhile no license for this page is sold.",
    ObjectionState.UPHELD: "The owner agreed and withdrew the page from AI crawlers.",
    ObjectionState.DISMISSED: "The owner did not agree.",
}


def form_page(given: Mapping[str, str], site: str, wrong: str = "") -> str:
    """The form, filled in with what was *given*; *wrong* is the sentence that says what to correct."""
    value = {name: escape(given.get(name, "")) for name in FIELDS}
    roles = "".join(
        f'<label class="one"><input type="radio" name="role" value="{role}" required'
        f"{' checked' if given.get('role') == role else ''}> {escape(role.words)}</label>\n"
        for role in Role
    )
    alert = (
        f'<p class="wrong" role="alert"><strong>{escape(wrong)}</strong> Nothing was lost.</p>\n'
        if wrong
        else ""
    )
    return (
        f"<p>{escape(site)} licenses its pages to AI companies. If a page shows you, if you made it or hold rights in "
        "it, and you do not agree to that, say so here. The owner reads it and decides; you can read here what came "
        f"of it.</p>\n{alert}"
        '<form method="post" action="/.licet/objections">\n'
        '<label for="url">Address of the page</label>\n'
        f'<input type="text" id="url" name="url" value="{value["url"]}" maxlength="{FIELDS["url"]}" required '
        'inputmode="url">\n'
        f"<fieldset><legend>What are you to it?</legend>\n{roles}</fieldset>\n"
        '<label for="name">Your name</label>\n'
        f'<input type="text" id="name" name="name" value="{value["name"]}" maxlength="{FIELDS["name"]}" required '
        'autocomplete="name">\n'
        '<label for="contact">How to reach you (e-mail, telephone or address)</label>\n'
        f'<input type="text" id="contact" name="contact" value="{value["contact"]}" maxlength="{FIELDS["contact"]}" '
        'required autocomplete="email">\n'
        '<label for="why">Why you object</label>\n'
        f'<textarea id="why" name="why" maxlength="{FIELDS["why"]}" required>{value["why"]}</textarea>\n'
        f'<p class="trap" aria-hidden="true"><label for="{TRAP}">Leave this empty</label>'
        f'<input type="text" id="{TRAP}" name="{TRAP}" tabindex="-1" autocomplete="off"></p>\n'
        "<button>Send the objection</button>\n</form>\n"
        '<p class="quiet">Your name, how to reach you and your reason are read by the owner of this site alone, stand '
        "apart from everything else, and can be erased. They are in no feed, no token and no log of fetches. What was "
        "fetched before cannot be called back from here; what can be stopped is further licensing.</p>\n"
    )


def state_page(objection: Objection, origin: str) -> str:
    """How far *objection* is, for whoever knows its id; nothing of who made it."""
    rows = [
        ("Objection", objection.id),
        ("Page", f"{origin}{objection.path}"),
        ("Sent", moment(objection.at)),
        ("State", str(objection.state)),
    ]
    if objection.state.is_over:
        rows.append(("Decided", moment(objection.decided_at)))
    if objection.answer:
        rows.append(("The owner says", objection.answer))
    return (
        f"<p>{escape(_STATES[objection.state])}</p>\n"
        f"{pairs('What came of it', rows)}"
        f"<p>Keep this address to read it again: <code>{escape(origin)}/.licet/objections/{escape(objection.id)}</code>"
        "</p>\n"
    )
