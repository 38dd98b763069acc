"""Who a signature says it is from: the ``Signature-Agent`` header in every form that is sent. Pure.

The Web Bot Auth draft of 2026-10-29 has a Dictionary whose members are URLs of
JWK Sets, covered one by one with ``;key``. Older signers send a string that
holds an origin; some send a Dictionary and cover it whole; one sends a URL
without quotes:

============= ===================================== =========================
form          header                                covered as
============= ===================================== =========================
dictionary    ``sig1="https://bot.example/k.json"`` ``"signature-agent";key="sig1"``
whole         ``sig1="https://bot.example"``        ``"signature-agent"``
string        ``"https://bot.example"``             ``"signature-agent"``
bare          ``https://bot.example``               ``"signature-agent"``
============= ===================================== =========================

An origin, and the well-known path on it, stand for the domain: the keys are at
`WELL_KNOWN` and the identity is the origin. Any other URL stands for itself. A
query is dropped before anything is fetched, so that no open endpoint of a host
can be made to say somebody's keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import http_sf

from gateway.visitors.message_signature import LONGEST, Component, Signed, read_dictionary

WELL_KNOWN: Final = "/.well-known/http-message-signatures-directory"
FIELD: Final = "signature-agent"
_LONGEST_URL: Final = 300
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*)(?:\?[^#\s]*)?",
    re.ASCII,
)
_BARE: Final = re.compile(r"https?://[^\s\",;]+", re.ASCII | re.IGNORECASE)
_DOTS: Final = re.compile(r"/\.{1,2}(?:/|$)|//")


@dataclass(frozen=True, slots=True)
class SignatureAgent:
    """A normalized identity and where its keys are.

    *url* is the identity: an origin without a slash, or the URL of a JWK Set.
    *directory* is what is fetched; *bound* says that it is the domain's own.
    """

    url: str
    directory: str
    bound: bool

    @property
    def host(self) -> str:
        """Host and port, as they stand in the URL."""
        return self.url.removeprefix("https://").partition("/")[0]


@dataclass(frozen=True, slots=True)
class Named:
    """What one signature says of its agent: the *form*, and the agent or *why* there is none.

    *outcome* is ``invalid`` or ``unverified`` where there is none.
    """

    form: str
    agent: SignatureAgent | None = None
    outcome: str = ""
    why: str = ""


def read_agent(text: str) -> SignatureAgent | str:
    """Normalize the URL of a signature agent (RFC 3986), or say why it is none.

    >>> read_agent("https://Bot.Example:443/")
    SignatureAgent(url='https://bot.example', directory='https://bot.example/.well-known/http-message-signatures-directory', bound=True)
    >>> read_agent("http://bot.example")
    'agent_not_https'
    """
    found = _URL.fullmatch(text) if len(text) <= _LONGEST_URL else None
    if found is None or _DOTS.search(found["path"].rstrip("/")) or ".." in found["host"]:
        return "agent_unparsable"
    if found["scheme"].lower() != "https":
        return "agent_not_https"
    port = int(found["port"] or 443)
    origin = f"https://{found['host'].lower()}" + (f":{port}" if port != 443 else "")
    path = found["path"]
    if path.rstrip("/") in {"", WELL_KNOWN}:
        return SignatureAgent(origin, origin + WELL_KNOWN, bound=True)
    return SignatureAgent(origin + path, origin + path, bound=False)


def named_by(signed: Signed, header: str) -> Named:
    """The agent that *signed* names in *header*, the lines of ``Signature-Agent`` joined ("" where absent)."""
    covered = [each for each in signed.components if each.name == FIELD]
    if not header:
        return Named(
            "", None, *(("invalid", "component_missing") if covered else ("unverified", "agent_absent"))
        )
    if len(header) > LONGEST or not header.isascii():
        return Named("", None, "invalid", "agent_unparsable")
    form, text, why = _text_of(signed, covered, header)
    if why:
        outcome = "unverified" if why == "agent_has_parameters" else "invalid"
        return Named(form, None, outcome, why)
    agent = read_agent(text)
    if isinstance(agent, str):
        return Named(form, None, "unverified" if agent == "agent_not_https" else "invalid", agent)
    if form in {"string", "bare"} and not agent.bound:
        return Named(form, None, "unverified", "agent_not_origin")
    return Named(form, agent)


def _text_of(signed: Signed, covered: list[Component], header: str) -> tuple[str, str, str]:
    """Form, URL as written, and what is wrong or ""."""
    whole = header.strip()
    if whole.startswith('"'):
        text, why = _string(whole)
        return "string", text, why or _coverage(covered, keyed=False)
    if _BARE.fullmatch(whole):
        return "bare", whole, _coverage(covered, keyed=False)
    members = read_dictionary(whole)
    if members is None or not members:
        return "", "", "agent_unparsable"
    keyed = [each for each in covered if each.parameters]
    if not keyed:
        form, why = "whole", _coverage(covered, keyed=False)
        key = signed.label if signed.label in members else next(iter(members))
        if len(members) > 1 and key != signed.label:
            why = why or "agent_ambiguous"
    else:
        form, why = "dictionary", _coverage(covered, keyed=True)
        key = str(keyed[0].get("key"))
        if key not in members:
            why = why or "agent_member_missing"
    if why:
        return form, "", why
    value, parameters = members[key]
    if type(value) is not str:
        return form, "", "agent_unparsable"
    return form, value, "agent_has_parameters" if parameters else ""


def _coverage(covered: list[Component], *, keyed: bool) -> str:
    if not covered:
        return "agent_not_covered"
    if len(covered) > 1:
        return "agent_ambiguous"
    names = {name for name, _ in covered[0].parameters}
    if keyed:
        return "" if "key" in names and names <= {"key", "sf"} else "component_parameter"
    return "agent_member_missing" if "key" in names else "component_parameter" if names else ""


def _string(text: str) -> tuple[str, str]:
    try:
        found: Any = http_sf.parse(text.encode("ascii"), tltype="item")
    except (ValueError, IndexError, OverflowError):
        return "", "agent_unparsable"
    value, parameters = found
    if type(value) is not str:
        return "", "agent_unparsable"
    return value, "agent_has_parameters" if parameters else ""
