"""An authenticated request of a protocol: its parameters, and who sent it.

Whoever shows ``Authorization`` is recognized before anything is read; whoever
logs in by a parameter is read first, at most 64 KiB.
"""

from __future__ import annotations

from typing import Final

from gateway.desk.call import Call
from gateway.desk.clients import Clients, Form, Known
from gateway.desk.metadata import issuer_of
from gateway.desk.reading import FORM, JSON, read_body, read_form, read_json
from gateway.problems import Problem, Refusal

_ONCE: Final = frozenset[str]()


#: The parameters by which a client says who it is.
LOGIN: Final = frozenset({"client_id", "client_secret", "client_assertion", "client_assertion_type"})


async def entered(
    call: Call, clients: Clients, *, json_too: bool = False, repeatable: frozenset[str] = _ONCE
) -> tuple[Known, dict[str, tuple[str, ...]]] | Refusal:
    """Recognize the client of *call* and read its parameters: a form, or with *json_too* a JSON object of texts."""
    request, issuer = call.request, issuer_of(call.origin)
    if "Authorization" in request.headers:
        known = await clients.authenticate(request, call.address)
        if isinstance(known, Refusal):
            return known
        form = await parameters(call, json_too=json_too, repeatable=repeatable)
        if isinstance(form, Refusal):
            return form
        return _agreed(known, form)
    form = await parameters(call, json_too=json_too, repeatable=repeatable)
    if isinstance(form, Refusal):
        return form
    known = await clients.authenticate(request, call.address, form, issuer=issuer)
    return known if isinstance(known, Refusal) else (known, form)


async def parameters(
    call: Call, *, json_too: bool = False, repeatable: frozenset[str] = _ONCE
) -> dict[str, tuple[str, ...]] | Refusal:
    """The parameters of *call*, whoever sent it; an empty value is absent, and none but *repeatable* come twice."""
    body = await read_body(call.request, (FORM, JSON) if json_too else (FORM,))
    if isinstance(body, Refusal):
        return body
    if call.request.content_type != JSON:
        return read_form(body, repeatable=repeatable)
    members = read_json(body, Problem.FORM_INVALID)
    if isinstance(members, Refusal):
        return members
    return {name: (value,) for name, value in members.items() if isinstance(value, str) and value}


def _agreed(
    known: Known, form: dict[str, tuple[str, ...]]
) -> tuple[Known, dict[str, tuple[str, ...]]] | Refusal:
    if {"client_secret", "client_assertion", "client_assertion_type"} & form.keys():
        return Refusal(Problem.FORM_INVALID, "Credentials are sent in one way only, and each once.")
    if form.get("client_id", (known.client.id,)) != (known.client.id,):
        return Refusal(Problem.FORM_INVALID, "The parameter client_id names another client.")
    return known, form


def first(form: Form, name: str) -> str:
    """The value of *name*, or ""."""
    return form.get(name, ("",))[0]
