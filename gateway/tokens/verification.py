"""Is this credential ours, and is the token genuine, for this site, and in its term?

Asked before `gateway.admission.entitlement` and before any credit is touched.
The profile is RFC 9068 (October 2021) as RFC 8725 (February 2020) would have
it, and stricter: one spelling of each part, a header of ``alg``, ``kid`` and
``typ`` alone, the algorithm of the key, whole numbers, no member twice, nothing
missing, nothing unknown. Checked in this order, which fixes what is told when
several things are wrong:

============ ========================================== ==================
what         the token must                             refused with
============ ========================================== ==================
form         be compact, canonical, and of our claims   token-invalid
audience     name this site's origin, exactly           token-other-site
issuer       name this site's desk, exactly             token-invalid
signature    be made by a key of the set, its algorithm token-invalid
life         live at most 24 hours, not come from later token-invalid
term         have begun and not have ended              token-expired
============ ========================================== ==================

The audience comes before the signature, as RFC 9068 section 4 has it: a token
that says itself it is for another site is none for this one, and costs no
arithmetic. *leeway* (seconds) allows for clocks that differ, in favor of the
token, here and nowhere else. Nothing unproven is quoted in a refusal.

Everything here is a function of its arguments; no input makes it raise.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from gateway.keys.jws import LONGEST, Compact, read_compact, signature_holds
from gateway.keys.key_set import KeySet
from gateway.keys.strict_json import Malformed, read_object
from gateway.languages import Phrase
from gateway.problems import Problem, Refusal
from gateway.tokens.claims import DETAIL_TYPE, LEEWAY_SECONDS, TOKEN_TYPE, Claims, read_claims

LONGEST_LIFE_SECONDS: Final = 86_400
#: A bearer credential beyond this is not looked into: it is not ours.
_LONGEST_BEARER: Final = 16 * 1024
_BEARER_SHAPE = re.compile(r"([A-Za-z0-9_-]+=*)\.([A-Za-z0-9_-]+=*)\.[A-Za-z0-9_=-]*", re.ASCII)
_BLANKS = re.compile(r"[ \t]+")
_OUR_TYPES: Final = frozenset({TOKEN_TYPE, f"application/{TOKEN_TYPE}"})
_BAD_FORM: Final = Phrase("The token is not in the form this desk writes.")
_YEAR_10000: Final = 253_402_300_800


def read_token(
    token: str, keys: KeySet, *, issuer: str, audience: str, now: int, leeway: int = LEEWAY_SECONDS
) -> Claims | Refusal:
    """Return the claims of a genuine token that is for *audience* and in its term at *now*.

    Args:
        token: what followed the scheme in ``Authorization``.
        keys: every key that is believed now.
        issuer: this site's desk, ``ORIGIN/.licet``.
        audience: this site's public origin.
        now: whole seconds since the epoch.
        leeway: seconds by which clocks may differ.

    Returns:
        `Claims`, or a `Refusal` with `TOKEN_INVALID`, `TOKEN_OTHER_SITE` or
        `TOKEN_EXPIRED`. Revocation and coverage are judged elsewhere.
    """
    opened = _open(token)
    if isinstance(opened, Refusal):
        return opened
    claims = opened.claims
    return (
        _misaddressed(claims, issuer, audience)
        or _forged(opened.compact, keys)
        or _untimely(claims, now, leeway)
        or claims
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """A token of the right form; whether it is genuine is not known yet."""

    compact: Compact
    claims: Claims


def _invalid(detail: str, private: str = "") -> Refusal:
    return Refusal(Problem.TOKEN_INVALID, detail, private=private)


def _open(token: str) -> _Opened | Refusal:
    try:
        compact = read_compact(token)
        payload = read_object(compact.payload)
    except Malformed as error:
        return _invalid(_BAD_FORM, str(error))
    if compact.typ != TOKEN_TYPE or not compact.kid:
        return _invalid(
            Phrase("The token's header does not have the type {type} and a kid.", type=TOKEN_TYPE)
        )
    claims = read_claims(payload)
    return claims if isinstance(claims, Refusal) else _Opened(compact, claims)


def _misaddressed(claims: Claims, issuer: str, audience: str) -> Refusal | None:
    if claims.audience != audience:
        return Refusal(
            Problem.TOKEN_OTHER_SITE, Phrase("The token is not for {audience}.", audience=audience)
        )
    if claims.issuer != issuer:
        return _invalid(Phrase("The token was not issued by {issuer}.", issuer=issuer))
    return None


def _forged(compact: Compact, keys: KeySet) -> Refusal | None:
    key = keys.get(compact.kid)
    if key is None:
        return _invalid(Phrase("The token names a key that this desk does not use."))
    if not signature_holds(compact, key):
        return _invalid(Phrase("The token's signature was not made by the key it names."))
    return None


def _untimely(claims: Claims, now: int, leeway: int) -> Refusal | None:
    # What follows a good signature may be quoted.
    if not 0 < claims.expires_at - claims.issued_at <= LONGEST_LIFE_SECONDS:
        return _invalid(
            Phrase("The token's life is not between 1 and {most} seconds.", most=LONGEST_LIFE_SECONDS)
        )
    if claims.issued_at > now + leeway:
        return _invalid(
            Phrase(
                "The token says it was issued at {moment}, which is yet to come.",
                moment=_moment(claims.issued_at),
            )
        )
    if now >= claims.expires_at + leeway:
        return Refusal(
            Problem.TOKEN_EXPIRED, Phrase("The token expired at {moment}.", moment=_moment(claims.expires_at))
        )
    if now < claims.not_before - leeway:
        return Refusal(
            Problem.TOKEN_EXPIRED,
            Phrase("The token is not valid before {moment}.", moment=_moment(claims.not_before)),
        )
    return None


def _moment(seconds: int) -> str:
    if seconds >= _YEAR_10000:
        return f"second {seconds} of the epoch"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is true of a text whoever asks: its claims if it has any, and what is wrong with it."""

    claims: Claims | None
    wrong: Refusal | None

    def judge(self, issuer: str, audience: str, now: int) -> Claims | Refusal:
        if self.claims is None:
            assert self.wrong is not None
            return self.wrong
        return (
            _misaddressed(self.claims, issuer, audience)
            or self.wrong
            or _untimely(self.claims, now, LEEWAY_SECONDS)
            or self.claims
        )


class _Recent:
    """At most so many verdicts, the least recently seen dropped first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, _Verdict] = OrderedDict()

    def get(self, name: bytes) -> _Verdict | None:
        found = self._kept.get(name)
        if found is not None:
            self._kept.move_to_end(name)
        return found

    def put(self, name: bytes, verdict: _Verdict) -> _Verdict:
        self._kept[name] = verdict
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return verdict

    def clear(self) -> None:
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)


def name_of(token: str) -> bytes:
    """By which a text is remembered, so that none is kept: its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class Verifier:
    """`read_token` that does the arithmetic of a signature once per token.

    What is remembered, by the SHA-256 of the text, is only whether the
    signature holds and what it signs; audience, issuer and times are judged at
    every call. Everything is forgotten when the key set changes, so a key that
    left it verifies nothing from that moment. Genuine tokens and forged ones
    are remembered apart, the least recently seen dropped first: a flood of
    forgeries neither grows the memory nor pushes a licensee out of it.

    Synchronous, and for one thread.
    """

    def __init__(
        self, keys: Callable[[], KeySet], *, most_tokens: int = 10_000, most_forgeries: int = 10_000
    ) -> None:
        """Ask *keys* for the set at every call; remember at most so many of each kind."""
        self._keys = keys
        self._genuine = _Recent(most_tokens)
        self._forged = _Recent(most_forgeries)
        self._generation = ""

    def verify(
        self, token: str, *, issuer: str, audience: str, now: int, name: bytes = b""
    ) -> Claims | Refusal:
        """Return what `read_token` returns for these arguments and the keys of this moment.

        *name* is the token's `name_of`, where it is at hand.
        """
        keys = self._keys()
        if keys.generation != self._generation:
            self._genuine.clear()
            self._forged.clear()
            self._generation = keys.generation
        if len(token) > LONGEST or not token.isascii():
            return _invalid(_BAD_FORM)
        name = name or name_of(token)
        verdict = self._genuine.get(name) or self._forged.get(name)
        if verdict is None:
            opened = _open(token)
            if isinstance(opened, Refusal):
                verdict = self._forged.put(name, _Verdict(None, opened))
            else:
                misaddressed = _misaddressed(opened.claims, issuer, audience)
                if misaddressed is not None:
                    # Depends on who asks, and the signature was not looked at.
                    return misaddressed
                forged = _forged(opened.compact, keys)
                kept = self._genuine if forged is None else self._forged
                verdict = kept.put(name, _Verdict(opened.claims, forged))
        return verdict.judge(issuer, audience, now)

    def remembered(self) -> tuple[int, int]:
        """How many genuine tokens and how many forgeries are remembered now."""
        return len(self._genuine), len(self._forged)


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that is ours to judge, good or bad. The repr does not hold it.

    *scheme* is ``license``, ``bearer`` or ``dpop``. *token* is what followed it,
    possibly nothing. *index_of_header* is its place in the headers given, for
    whoever takes it off before the origin sees it. *name* is the token's `name_of`.
    """

    scheme: str
    token: str = field(repr=False)
    index_of_header: int
    name: bytes = field(repr=False, compare=False, default=b"")


def credential(headers: Sequence[tuple[str, str]]) -> Credential | Refusal | None:
    """Find the credential in *headers* that is ours: name and value each, in order.

    The scheme ``License`` (any case) is always ours, so a bad token under it is
    refused and never falls through to what is free. ``Bearer`` and ``DPoP`` are
    ours where the text claims to be a token of our kind: a header with ``typ``
    at+jwt over ``authorization_details`` of type ``content_license``. Any other
    ``Authorization`` is the site's own: None, and it passes untouched. Two
    ``Authorization`` headers have no single reading: `BAD_REQUEST`.
    """
    found = [(at, value) for at, (name, value) in enumerate(headers) if name.lower() == "authorization"]
    if not found:
        return None
    if len(found) > 1:
        return Refusal(Problem.BAD_REQUEST, Phrase("The request has more than one Authorization header."))
    at, value = found[0]
    scheme, *rest = _BLANKS.split(value.strip(" \t"), maxsplit=1)
    scheme, token = scheme.lower(), rest[0] if rest else ""
    if scheme == "license" or (scheme in {"bearer", "dpop"} and _claims_to_be_ours(token)):
        return Credential(scheme, token, at, name_of(token))
    return None


def _claims_to_be_ours(token: str) -> bool:
    """Whether an unproven bearer text claims our profile; lenient, for it is judged strictly later."""
    if len(token) > _LONGEST_BEARER:
        return False
    match = _BEARER_SHAPE.fullmatch(token)
    if match is None:
        return False
    header = _peek(match[1])
    typ = header.get("typ") if isinstance(header, dict) else None
    if not isinstance(typ, str) or typ.lower() not in _OUR_TYPES:
        return False
    payload = _peek(match[2])
    details = payload.get("authorization_details") if isinstance(payload, dict) else None
    listed = details if isinstance(details, list) else [details]
    return any(isinstance(item, dict) and item.get("type") == DETAIL_TYPE for item in listed)


def _peek(segment: str) -> object:
    try:
        found: object = json.loads(urlsafe_b64decode(segment.rstrip("=") + "==="))
    except (ValueError, RecursionError):
        return None
    return found
