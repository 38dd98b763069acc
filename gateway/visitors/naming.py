"""How a visitor is named to others: a claim is called a claim, and the evidence carries its age.

Pages, letters, exports and ``licet who`` all say it by `told`. Nobody is called
a forger: what is contradicted was *claimed* and is *not proven*, with the reason
and the day of the copy it rests on. Nobody is called a person: the gate sees no
evidence of automation, which is all that it can see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.visitors.reasons import split
from gateway.visitors.visitor import Visitor

_NOTHING_SEEN = "no evidence of automation"
_NO_NAME = "an automated visitor without a known name"


def of(visitor: Visitor) -> str:
    """`told` of a visitor at hand."""
    return told(
        visitor.name,
        visitor.operator,
        visitor_class=visitor.visitor_class,
        identity=visitor.identity,
        reasons=visitor.reasons,
    )


def told(
    name: str, operator: str, *, visitor_class: str, identity: str, reasons: tuple[str, ...] = ()
) -> str:
    """The visitor in words that hold whatever the claim is worth.

    All arguments are a record's words; *reasons* is () where its detail was
    erased, and then the words say less and never more.

    >>> told("GPTBot", "OpenAI", visitor_class="ai", identity="spoofed",
    ...      reasons=("ip_not_in:openai-gptbot", "ip_list_dated:openai-gptbot@2026-09-02"))
    'claimed to be GPTBot; not proven (address not in the published list of 2026-09-02)'
    >>> told("", "", visitor_class="unproven", identity="none")
    'no evidence of automation'
    """
    if not name:
        return _NOTHING_SEEN if visitor_class == "unproven" else _NO_NAME
    if identity == "none":
        if not any(reason.startswith("ip_operator_undeclared:") for reason in reasons):
            return f"without a claim; taken for {name}"
        return f"without a claim, from the network of {operator} (published list of {_day(reasons)})"
    if any(reason.startswith("ua_kind:") for reason in reasons):
        return f"by its own words of the kind \u201c{name}\u201d; not proven"
    why = basis(identity, reasons)
    if identity == "verified":
        return f"{name}, verified{f' ({why})' if why else ''}"
    return f"claimed to be {name}; not proven{f' ({why})' if why else ''}"


def basis(identity: str, reasons: tuple[str, ...]) -> str:
    """What an identity rests on, or what it lacks, in a clause; "" where *reasons* do not say.

    >>> basis("verified", ("rdns_ok",))
    'by the name of its address'
    """
    codes = {split(reason)[0]: split(reason)[1] for reason in reasons}
    rows = _PROVEN if identity == "verified" else _NOT_PROVEN
    clause = next((words for code, words in rows.items() if code in codes), None)
    if clause is None:
        return _UNCHECKABLE if identity == "claimed" and reasons else ""
    said = clause if isinstance(clause, str) else clause(codes)
    return said.replace("DATE", _day(reasons))


def _day(reasons: tuple[str, ...]) -> str:
    """The oldest day of a copy that *reasons* name."""
    days = [split(reason)[1].rpartition("@")[2] for reason in reasons if reason.startswith("ip_list_dated:")]
    return min(days, default="an unknown day")


def _absent(codes: Mapping[str, str]) -> str:
    doubts = [words for code, words in _DOUBTS.items() if code in codes]
    return ", ".join(["address not in the published list of DATE", *doubts])


_UNCHECKABLE = "its operator publishes nothing to check it by"
_DOUBTS = {
    "ip_list_missing": "of which there is no copy",
    "ip_list_stale": "which may be out of date",
    "ip_list_partial": "which is not complete",
    "ip_near": "but close to it",
}
_PROVEN: Mapping[str, str] = MappingProxyType(
    {
        "sig_valid": "by its signature",
        "ip_in": "address in the published list of DATE",
        "rdns_ok": "by the name of its address",
    }
)
_NOT_PROVEN: Mapping[str, str | Callable[[Mapping[str, str]], str]] = MappingProxyType(
    {
        "sig_invalid": "its signature fails",
        "rdns_mismatch": "the name of its address is another",
        "ip_not_in": _absent,
        "ip_unknown": "its address is not known",
        "rdns_unknown": "the name of its address could not be found out",
        "sig_unverified": "its signature could not be checked",
        "sig_missing": "its operator signs requests, and this one is not signed",
        "asn_match": "it comes from the operator\u2019s part of the network, which is no proof",
        "asn_mismatch": "it does not come from the operator\u2019s part of the network",
        "recipe_unchecked": "it was not checked",
    }
)
