"""What a person sent from a page: read strictly, and every mistake at its field. Nothing here raises on any bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from gateway.desk.call import Call
from gateway.desk.reading import FORM, read_body
from gateway.languages import tr
from gateway.licenses.position import FACTS
from gateway.licenses.proposals import Message, read_message
from gateway.problems import Problem, Refusal

_MOST_FIELDS: Final = 128
_ADDRESS = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[A-Za-z0-9.-]{1,185}\.[A-Za-z0-9-]{2,63}", re.ASCII)
_ELSEWHERE: Final = Refusal(Problem.FORM_INVALID, "This form did not come from a page of this desk.")

Form = Mapping[str, str]


async def sent_form(call: Call) -> Form | Refusal:
    """The fields of a form that a page of this very origin sent, blanks kept; a name that stands there twice is refused.

    Same origin is told by ``Sec-Fetch-Site`` (Fetch Metadata, W3C draft 2025),
    or by ``Origin`` (RFC 6454) where a browser does not send it.
    """
    request = call.request
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin", "")
    ours = site in {"same-origin", "none"} if site is not None else origin == call.origin
    if not ours:
        return _ELSEWHERE
    body = await read_body(request, (FORM,))
    if isinstance(body, Refusal):
        return body
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        return Refusal(
            Problem.FORM_INVALID, f"The body is not a form of at most {_MOST_FIELDS} fields in UTF-8."
        )
    if len({name for name, _ in pairs}) != len(pairs):
        return Refusal(Problem.FORM_INVALID, "A parameter stands there twice.")
    return dict(pairs)


def facts_in(sent: Form) -> tuple[dict[str, str], dict[str, str]]:
    """The facts that were stated, by their names, and what is wrong with others, by their fields."""
    stated, mistakes = dict[str, str](), dict[str, str]()
    for name in FACTS:
        text = sent.get(f"facts.{name}", "").replace("\r\n", "\n").strip()
        if not text:
            continue
        read = read_message({"facts": {name: text}})
        if isinstance(read, Message):
            stated |= read.facts
        else:
            member = dict(read.facts).get("member", "")
            mistakes[f"facts.{name}"] = read.detail.removeprefix(f"Of the message, {member} ").rstrip(".")
    return stated, mistakes


def wrong_about_who(sent: Form) -> dict[str, str]:
    """What is wrong with who somebody says to be, by its field."""
    company, email = sent.get("company", "").strip(), sent.get("email", "").strip()
    found: dict[str, str] = {}
    if not company or len(company) > 200 or not company.isprintable():
        found["company"] = "is not a name of at most 200 characters"
    if len(email) > 254 or not _ADDRESS.fullmatch(email):
        found["email"] = "is not an address such as name@company.example"
    if bool(sent.get("client_id", "").strip()) is not bool(sent.get("client_secret", "").strip()):
        found["client_secret"] = "and client id go together"  # noqa: S105 - a sentence
    return found


def lines_in(sent: Form, names: Mapping[str, str], prefix: str) -> tuple[dict[str, str], dict[str, str]]:
    """What was typed into the fields *prefix* and a name of *names*, by the name, and what is no line, by its field."""
    found, mistakes = dict[str, str](), dict[str, str]()
    for name in names:
        text = sent.get(f"{prefix}{name}", "").strip()
        if len(text) > 300 or not text.isprintable():
            mistakes[f"{prefix}{name}"] = "is not a line of at most 300 characters"
        elif text:
            found[name] = text
    return found, mistakes


def sentences(refusal: Refusal) -> tuple[str, ...]:
    """A refusal as a person reads it: what, why, and what to do."""
    problem = refusal.problem
    if problem is Problem.NEGOTIATION_OUTDATED:
        return (
            tr(
                "Something was said here after you opened the page; look at what stands now. What you typed is kept."
            ),
        )
    return (f"{tr(problem.title)}.", *filter(None, (refusal.detail, tr(problem.next_step))))
