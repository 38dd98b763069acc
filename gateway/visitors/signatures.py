"""Is this request signed by whom it names? Web Bot Auth, as a finding for `identify`.

Draft draft-ietf-webbotauth-httpsig-protocol-01 (2026-10-29) over RFC 9421. Three
outcomes: ``verified``; ``invalid``, the signature contradicts itself or its key;
``unverified``, it cannot be judged here, which is no attack. Everything that
needs no cryptography is looked at first, and at most one signature is checked.

Reasons, in the order found: ``sig_form:FORM``; then ``sig_valid``,
``sig_invalid:WHY`` or ``sig_unverified:WHY``; then what weakens it:
``sig_uncovered:HEADER``, ``sig_unknown_directory`` (no entry of the catalog has
this agent), ``sig_directory_unsigned``, ``sig_directory_stale``,
``sig_directory_pinned``. WHY is one of

=========================== =================================================
invalid                     unreadable, too_long, too_many, duplicate,
                            labels_differ, ambiguous, component_missing,
                            component_duplicate, component_unknown, content_digest,
                            component_parameter, component_type,
                            too_many_components, parameter_unknown,
                            parameter_type, created_missing, expires_missing,
                            expires_before_created, created_in_future,
                            expired, lifetime, keyid_missing, algorithm,
                            algorithm_mismatch, target_not_covered,
                            agent_not_covered, agent_ambiguous,
                            agent_member_missing, agent_unparsable, test_key,
                            components, signature
unverified                  several_signatures, agent_absent, agent_not_https,
                            agent_not_origin, agent_has_parameters,
                            uncovered_credential, key_unknown,
                            key_out_of_term, directory_WHY
=========================== =================================================

A price, a payment or a license that is on the request and not covered leaves
the request unverified: whoever copied the signature could have added it.

Pure: no I/O, no clock (``ask.asked_at`` is now), no raise. What one block of
headers says is read once; a request without ``Signature-Input`` costs one look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from gateway.ask import Ask
from gateway.evidence import NOTHING, Evidence, Need, Needs
from gateway.visitors.key_directory import TEST_KEYS, AgentKey, KeyDirectory, NoDirectory, WantedKey
from gateway.visitors.message_signature import (
    ALGORITHMS,
    Fields,
    Signed,
    SignedRequest,
    Unreadable,
    digests_hold,
    flaw_in_proof,
    flaw_in_time,
    read_signatures,
)
from gateway.visitors.signature_agent import FIELD, SignatureAgent, named_by

KIND: Final = "agent-keys"
TAG: Final = "web-bot-auth"
#: What a signature must cover wherever it is on the request: it says what is paid, or who pays.
_CREDENTIALS: Final = (
    "crawler-exact-price", "crawler-max-price", "payment-signature", "x-payment", "dpop",
)  # fmt: skip
_SCHEMES: Final = frozenset({"license", "bearer", "dpop", "payment"})
_READ: Final = "web-bot-auth"
_CHECKED: Final = "web-bot-auth checked"


class KeysAtHand(Protocol):
    """Keys that need no waiting (`agent_keys.AgentKeys`)."""

    def at_hand(self, agent: SignatureAgent, keyid: str) -> KeyDirectory | NoDirectory | None:
        """The keys, why there are none, or None: they must be fetched."""
        ...


@dataclass(frozen=True, slots=True)
class SignatureFinding:
    """What the signature of one request shows.

    Attributes:
        outcome: see the module.
        agent: the normalized Signature-Agent, also where it is not proven, or "".
        form: ``dictionary``, ``whole``, ``string``, ``bare`` or "".
        reasons: stable codes, in the order found.
        keyid: the thumbprint that the signature names, or "".
    """

    outcome: Literal["verified", "invalid", "unverified"]
    agent: str
    form: str
    reasons: tuple[str, ...]
    keyid: str = ""

    @property
    def contradicts(self) -> bool:
        """Whether the agent's own fresh key says that this request is not the agent's."""
        return "sig_invalid:signature" in self.reasons and "sig_directory_stale" not in self.reasons


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The one signature to judge, or the finding where that ends it."""

    ended: SignatureFinding | None = None
    signed: Signed | None = None
    agent: SignatureAgent | None = None
    form: str = ""


class Signatures:
    """Judges the signatures of requests by keys at hand."""

    def __init__(
        self,
        keys: KeysAtHand,
        *,
        known: Callable[[SignatureAgent], bool],
        longest: int = 86_400,
        skew: int = 5,
        test_keys: bool = False,
    ) -> None:
        """Judge by *keys*.

        *known* says whether the catalog has an agent. A signature may live for
        *longest* seconds, and two clocks may differ by *skew*. *test_keys*
        accepts the keys of RFC 9421 whose private side is public.
        """
        self._keys, self._known = keys, known
        self._longest, self._skew = longest, skew
        self._refused = frozenset() if test_keys else TEST_KEYS

    def finding(self, ask: Ask, evidence: Evidence) -> SignatureFinding | Needs | None:
        """What the signature of *ask* shows; None where there is none of this profile.

        `Needs` names the agent's keys, at most once: what was fetched is used.
        """
        if not ask.has("signature-input"):
            return None
        candidate = self._candidate(ask)
        if candidate is None or candidate.ended is not None:
            return candidate.ended if candidate else None
        signed, agent, form = candidate.signed, candidate.agent, candidate.form
        assert signed is not None
        assert agent is not None
        why = flaw_in_time(signed, ask.asked_at, skew=self._skew, longest=self._longest)
        why = why or ("test_key" if signed.keyid in self._refused else "")
        if why:
            return _found("invalid", why, form, agent.url, signed.keyid)
        bare = _uncovered(ask, signed)
        if bare:
            return _found(
                "unverified", "uncovered_credential", form, agent.url, signed.keyid,
                tuple(f"sig_uncovered:{name}" for name in bare),
            )  # fmt: skip
        directory = evidence.get(KIND, agent.directory) or self._keys.at_hand(agent, signed.keyid)
        if directory is None:
            if evidence.has(KIND, agent.directory):
                directory = NoDirectory("directory_unreachable")
            else:
                return Needs((Need(KIND, agent.directory, WantedKey(agent, signed.keyid)),))
        return self._judged(ask, signed, agent, form, directory)

    def proven(self, ask: Ask) -> str:
        """The thumbprint of the key that signed *ask*, by the keys at hand; "" where nothing is proven."""
        finding = self.finding(ask, NOTHING)
        if isinstance(finding, SignatureFinding) and finding.outcome == "verified":
            return finding.keyid
        return ""

    def mark(self, ask: Ask) -> tuple[str, int] | None:
        """What makes the signature of *ask* one of its kind, and the second until which it lives.

        The digest of agent, key and nonce, or of the signature where there is
        no nonce; None where no signature was found to hold for *ask* (`finding`).
        """
        candidate = self._candidate(ask) if ask.has("signature-input") else None
        if candidate is None or candidate.signed is None or candidate.agent is None:
            return None
        signed = candidate.signed
        if ask.headers.kept.get(_CHECKED) != (_seen(ask, signed.keyid), ""):  # type: ignore[attr-defined]
            return None
        single = b"nonce " + signed.nonce.encode() if signed.nonce else b"octets " + signed.signature
        digest = hashlib.sha256(f"{candidate.agent.url} {signed.keyid} ".encode() + single)
        return digest.hexdigest(), (signed.expires or 0) + self._skew

    def _candidate(self, ask: Ask) -> _Candidate | None:
        kept = ask.headers.kept  # type: ignore[attr-defined]
        if _READ not in kept:
            kept[_READ] = _read(ask)
        found: _Candidate | None = kept[_READ]
        return found

    def _judged(
        self, ask: Ask, signed: Signed, agent: SignatureAgent, form: str, directory: object
    ) -> SignatureFinding:
        more: tuple[str, ...] = () if self._known(agent) else ("sig_unknown_directory",)
        if not isinstance(directory, KeyDirectory):
            why = directory.why if isinstance(directory, NoDirectory) else "directory_unreachable"
            return _found("unverified", why, form, agent.url, signed.keyid, more)
        if directory.pinned:
            more += ("sig_directory_pinned",)
        elif signed.keyid not in directory.proven:
            more += ("sig_directory_unsigned",)
        if directory.stale:
            more += ("sig_directory_stale",)
        key = directory.get(signed.keyid)
        if key is None or not key.stands(ask.asked_at):
            why = "key_unknown" if key is None else "key_out_of_term"
            return _found("unverified", why, form, agent.url, signed.keyid, more)
        if signed.alg not in {"", key.algorithm}:
            return _found("invalid", "algorithm_mismatch", form, agent.url, signed.keyid, more)
        why = _checked(ask, signed, key)
        return _found("invalid" if why else "verified", why, form, agent.url, signed.keyid, more)


def _found(
    outcome: Literal["verified", "invalid", "unverified"],
    why: str,
    form: str = "",
    agent: str = "",
    keyid: str = "",
    more: tuple[str, ...] = (),
) -> SignatureFinding:
    first = (f"sig_form:{form}",) if form else ()
    told = "sig_valid" if outcome == "verified" else f"sig_{outcome}:{why}"
    return SignatureFinding(outcome, agent, form, (*first, told, *more), keyid)


def _read(ask: Ask) -> _Candidate | None:
    """The signature of this profile that the headers of *ask* hold, judged by them alone."""
    said = _joined(ask, "signature-input")
    if TAG not in said:  # a Structured Fields string has one spelling
        return None
    found = read_signatures(said, _joined(ask, "signature"))
    if isinstance(found, Unreadable):
        return _Candidate(_found("invalid", found.why))
    ours = [signed for signed in found if signed.tag == TAG]
    if not ours:
        return None
    header = _joined(ask, FIELD)
    if len(ours) > 1:
        agents = {named.agent.url if named.agent else "" for named in (named_by(one, header) for one in ours)}
        if len(agents) < len(ours):
            return _Candidate(_found("invalid", "ambiguous"))
        return _Candidate(_found("unverified", "several_signatures"))
    (signed,) = ours
    named = named_by(signed, header)
    why = _flaw(ask, signed)
    if why:
        return _Candidate(
            _found("invalid", why, named.form, named.agent.url if named.agent else "", signed.keyid)
        )
    if named.agent is None:
        outcome: Literal["invalid", "unverified"] = "invalid" if named.outcome == "invalid" else "unverified"
        return _Candidate(_found(outcome, named.why, named.form, "", signed.keyid))
    return _Candidate(None, signed, named.agent, named.form)


def _flaw(ask: Ask, signed: Signed) -> str:
    if signed.odd:
        return signed.odd
    if not signed.keyid:
        return "keyid_missing"
    if signed.alg and signed.alg not in ALGORITHMS:
        return "algorithm"
    if not signed.covers("@authority") and not signed.covers("@target-uri"):
        return "target_not_covered"
    if any(not each.name.startswith("@") and not ask.has(each.name) for each in signed.components):
        return "component_missing"
    # What follows a head is not read before the head is judged: of a request with a body its digest proves nothing.
    if signed.covers("content-digest") and not _has_body(ask):
        return "" if digests_hold(_joined(ask, "content-digest"), b"") else "content_digest"
    return ""


def _has_body(ask: Ask) -> bool:
    return ask.has("transfer-encoding") or ask.header("content-length").strip("0 \t") != ""


def _uncovered(ask: Ask, signed: Signed) -> tuple[str, ...]:
    """Headers of *ask* that say who pays and are not covered by *signed*."""
    shown = [name for name in _CREDENTIALS if ask.has(name)]
    if ask.has("authorization"):
        schemes = {value.strip().partition(" ")[0].lower() for value in ask.all("authorization")}
        shown += ["authorization"] if schemes & _SCHEMES else []
    return tuple(name for name in shown if not signed.covers(name))


def _checked(ask: Ask, signed: Signed, key: AgentKey) -> str:
    """Why *key* does not prove *signed*, or ""; remembered for requests that are alike to the letter."""
    kept = ask.headers.kept  # type: ignore[attr-defined]
    seen = _seen(ask, key.thumbprint)
    before: tuple[tuple[str, ...], str] | None = kept.get(_CHECKED)
    if before is not None and before[0] == seen:
        return before[1]
    url = ask.origin + (
        ask.target if ask.target.startswith("/") else "/" if ask.target == "*" else ask.target
    )
    message = SignedRequest(ask.method, url, Fields(ask.headers), ask.target)
    why = flaw_in_proof(signed, message, key.algorithm, key.key)
    kept[_CHECKED] = (seen, why)
    return why


def _seen(ask: Ask, keyid: str) -> tuple[str, ...]:
    return ask.method, ask.origin, ask.target, keyid


def _joined(ask: Ask, name: str) -> str:
    """Every line of header *name*, joined (RFC 9421, section 2.1)."""
    return ", ".join(value.strip(" \t") for value in ask.all(name))
