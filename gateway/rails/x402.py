"""x402 version 2 over HTTP: what is asked, what is paid with, what came of it, as header values.

After the x402 specification v2 (x402-foundation/x402, 2026-08), its HTTP
transport, the scheme ``exact`` on EVM chains with EIP-3009, and the extension
``payment-identifier``. Three headers, each the base64 (the standard alphabet,
padded) of one JSON object:

==================== ============ ============================================
``PAYMENT-REQUIRED``  on a 402    what is asked, and why what came was no good
``PAYMENT-SIGNATURE`` a request   which of that is paid, and the authorization
``PAYMENT-RESPONSE``  an answer   what came of the payment
==================== ============ ============================================

Read strictly: one reading of the JSON, every text bounded, addresses and
numbers spelled as the specification spells them. Reading raises nothing and
gives `Unread` for what is no such header. What the format cannot say: a license,
a use, a territory; those stand in the body of the 402.

Beside ``exact`` the scheme ``credit`` of our own (`x402_credit`) is read. Not spoken: version 1 (``X-PAYMENT``), Permit2, chains other than EVM ones, the
schemes ``upto`` and ``batch-settlement``.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from gateway.canonical import canonical_bytes
from gateway.keys.strict_json import Malformed, read_object
from gateway.money import Money
from gateway.policy.x402_terms import X402Terms

VERSION: Final = 2
REQUIRED: Final = "PAYMENT-REQUIRED"
SIGNATURE: Final = "PAYMENT-SIGNATURE"
RESPONSE: Final = "PAYMENT-RESPONSE"
IDENTIFIER: Final = "payment-identifier"
#: Why an authorization pays nothing any more, as the specification words it.
LAPSED: Final = "invalid_exact_evm_payload_authorization_valid_before"
#: The scheme of our own (`x402_credit`), beside ``exact``.
CREDIT: Final = "credit"

_LONGEST: Final = 12 * 1024
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_NONCE: Final = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)
_SIGNED: Final = re.compile(r"0x(?:[0-9a-fA-F]{2}){1,2048}", re.ASCII)
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
_NETWORK: Final = re.compile(r"[-a-z0-9]{3,16}:[-_a-zA-Z0-9]{1,64}", re.ASCII)
_NAMED: Final = re.compile(r"[a-zA-Z0-9_-]{16,128}", re.ASCII)
#: What a client fills in for the extension; the JSON Schema that others send along would be half of the header.
_EXTENSIONS: Final = {IDENTIFIER: {"info": {"required": False}, "schema": {"type": "object"}}}


@dataclass(frozen=True, slots=True)
class Unread:
    """A header that is none of these; *why* is a clause for whoever sent it."""

    why: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One element of ``accepts``: a way to pay. *amount* is in the asset's smallest units."""

    scheme: str
    network: str
    asset: str
    amount: str
    pay_to: str
    seconds: int
    extra: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The object as it stands on the wire."""
        return {
            "scheme": self.scheme,
            "network": self.network,
            "asset": self.asset,
            "amount": self.amount,
            "payTo": self.pay_to,
            "maxTimeoutSeconds": self.seconds,
            "extra": dict(self.extra),
        }

    @property
    def compared(self) -> Requirement:
        """The same with addresses in one spelling."""
        return Requirement(
            self.scheme,
            self.network,
            self.asset.lower(),
            self.amount,
            self.pay_to.lower(),
            self.seconds,
            tuple(sorted(self.extra)),
        )


@dataclass(frozen=True, slots=True)
class Authorization:
    """An EIP-3009 ``TransferWithAuthorization``; addresses and nonce in lower case, times in seconds."""

    payer: str
    to: str
    value: int
    valid_after: int
    valid_before: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request pays with. *content* is the whole object, for the facilitator; the repr hides what is signed."""

    accepted: Requirement
    authorization: Authorization
    signature: str = field(repr=False)
    identifier: str = ""
    content: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def id(self) -> str:
        """A name that nobody guesses who does not have the signature; the same however the header is spelled."""
        signed = self.authorization
        named = [
            signed.payer,
            signed.to,
            str(signed.value),
            str(signed.valid_after),
            str(signed.valid_before),
        ]
        named += [self.nonce, self.signature.lower()]
        return "pay_" + hashlib.sha256("\0".join(named).encode()).hexdigest()[:40]

    @property
    def nonce(self) -> str:
        """What the asset lets pass once."""
        signed, accepted = self.authorization, self.accepted
        return f"{accepted.network}/{accepted.asset.lower()}/{signed.payer}/{signed.nonce}"


@dataclass(frozen=True, slots=True)
class Promised:
    """What a request pays with in the scheme ``credit``: nothing but what it accepts; the request is signed."""

    accepted: Requirement


@dataclass(frozen=True, slots=True)
class Required:
    """A ``PAYMENT-REQUIRED`` that was read."""

    accepts: tuple[Requirement, ...]
    url: str
    error: str
    extensions: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Response:
    """A ``PAYMENT-RESPONSE``: what came of a payment. *error* is the reason where *success* is False."""

    success: bool
    transaction: str
    network: str
    payer: str = ""
    amount: str = ""
    error: str = ""


def requirement(terms: X402Terms, price: Money) -> Requirement | None:
    """What *price* is in *terms*, or None where it cannot be asked in that token."""
    amount = terms.units(price)
    if not amount:
        return None
    extra = (("name", terms.name), ("version", terms.version))
    return Requirement("exact", terms.network, terms.asset, amount, terms.pay_to, terms.seconds, extra)


def required_octets(
    accepts: tuple[Requirement, ...], *, url: str, error: str, description: str = ""
) -> bytes:
    """The JSON of a ``PAYMENT-REQUIRED``, not yet in base64."""
    resource = {"url": url, **({"description": description} if description else {})}
    return orjson.dumps(
        {
            "x402Version": VERSION,
            "error": error,
            "resource": resource,
            "accepts": [each.as_json() for each in accepts],
            "extensions": _EXTENSIONS,
        }
    )


def response_octets(response: Response) -> bytes:
    """The JSON of a ``PAYMENT-RESPONSE``, not yet in base64."""
    said: dict[str, Any] = {
        "success": response.success,
        "transaction": response.transaction,
        "network": response.network,
    }
    more = {"payer": response.payer, "amount": response.amount, "errorReason": response.error}
    said.update({name: value for name, value in more.items() if value})
    return orjson.dumps(said)


def response_line(response: Response) -> tuple[str, str]:
    """The ``PAYMENT-RESPONSE`` that tells *response*."""
    return RESPONSE, spelled(response_octets(response))


def spelled(octets: bytes) -> str:
    """*octets* as a header value."""
    return b64encode(octets).decode("ascii")


def read_signature(value: str) -> Presented | Promised | Unread:
    """Read the value of a ``PAYMENT-SIGNATURE``."""
    content = _object(value)
    if isinstance(content, Unread):
        return content
    if type(content.get("x402Version")) is not int or content["x402Version"] != VERSION:
        return Unread("x402Version is not 2")
    accepted = _requirement(content.get("accepted"))
    if isinstance(accepted, Unread):
        return accepted
    payload = content.get("payload")
    if not isinstance(payload, dict):
        return Unread("payload is not an object")
    return Promised(accepted) if accepted.scheme == CREDIT else _presented(accepted, payload, content)


def _presented(accepted: Requirement, payload: dict[str, Any], content: dict[str, Any]) -> Presented | Unread:
    signature = payload.get("signature")
    if not isinstance(signature, str) or not _SIGNED.fullmatch(signature):
        return Unread("payload.signature is no signature in hex")
    authorization = _authorization(payload.get("authorization"))
    if isinstance(authorization, Unread):
        return authorization
    identifier = _identifier(content.get("extensions"))
    if isinstance(identifier, Unread):
        return identifier
    return Presented(accepted, authorization, signature, identifier, content)


def read_required(value: str) -> Required | Unread:
    """Read the value of a ``PAYMENT-REQUIRED``; elements that are no way to pay are passed over."""
    content = _object(value)
    if isinstance(content, Unread):
        return content
    listed, resource = content.get("accepts"), content.get("resource")
    if content.get("x402Version") != VERSION or not isinstance(listed, list):
        return Unread("it is no PaymentRequired of version 2")
    read = map(_requirement, listed[:64])
    url = resource.get("url") if isinstance(resource, dict) else ""
    extensions = content.get("extensions")
    return Required(
        tuple(each for each in read if isinstance(each, Requirement)),
        url if isinstance(url, str) else "",
        _text(content, "error"),
        extensions if isinstance(extensions, dict) else {},
    )


def read_response(value: str) -> Response | Unread:
    """Read the value of a ``PAYMENT-RESPONSE``."""
    content = _object(value)
    if isinstance(content, Unread):
        return content
    success = content.get("success")
    if not isinstance(success, bool):
        return Unread("success is neither true nor false")
    names = ("transaction", "network", "payer", "amount", "errorReason")
    return Response(success, *(_text(content, name) for name in names))


def why_not(presented: Presented, asked: Requirement, now: int) -> str:
    """Why *presented* does not pay *asked* at *now* (whole seconds), in the words of the specification; "" if it may.

    Whether the signature holds and the money is there is the facilitator's to say.
    """
    signed = presented.authorization
    if presented.accepted.compared != asked.compared:
        return "invalid_payment_requirements"
    if signed.to != asked.pay_to.lower():
        return "invalid_exact_evm_payload_recipient_mismatch"
    if str(signed.value) != asked.amount:
        return "invalid_exact_evm_payload_authorization_value_mismatch"
    if signed.valid_after > now:
        return "invalid_exact_evm_payload_authorization_valid_after"
    return LAPSED if has_lapsed(presented, now) else ""


def has_lapsed(presented: Presented, now: int) -> bool:
    """Whether no money can be moved by *presented* at *now* (whole seconds) any more; it may have been before."""
    return presented.authorization.valid_before <= now


def fingerprint(method: str, url: str, asked: Requirement) -> str:
    """Which request a payment is for, as a hash: GET and HEAD are one."""
    read = "GET" if method == "HEAD" else method
    named = {"method": read, "url": url, "asked": {**asked.compared.as_json(), "extra": dict(asked.extra)}}
    return hashlib.sha256(canonical_bytes(named)).hexdigest()


def _object(value: str) -> dict[str, Any] | Unread:
    if len(value) > _LONGEST:
        return Unread(f"it is longer than {_LONGEST} characters")
    try:
        return read_object(b64decode(value.encode("ascii"), validate=True))
    except Malformed as error:
        return Unread(str(error))
    except (binascii.Error, ValueError):
        return Unread("it is not base64 with padding")


def _requirement(given: object) -> Requirement | Unread:
    if not isinstance(given, dict):
        return Unread("accepted is not an object")
    named = [given.get(name) for name in ("scheme", "network", "asset", "amount", "payTo")]
    texts = [text for text in named if isinstance(text, str) and 0 < len(text) <= 200]
    if len(texts) != len(named):
        return Unread("accepted lacks one of scheme, network, asset, amount, payTo")
    scheme, network, asset, amount, pay_to = texts
    if not _NETWORK.fullmatch(network) or not _NUMBER.fullmatch(amount):
        return Unread("accepted has no network as CAIP-2 names it, or no whole amount")
    seconds, extra = given.get("maxTimeoutSeconds"), given.get("extra", {})
    if type(seconds) is not int or not 0 <= seconds <= 10**9 or not isinstance(extra, dict):
        return Unread("accepted has no maxTimeoutSeconds, or an extra that is no object")
    # What is not text is spelled out, so that it compares unequal and is carried no further.
    pairs = tuple((name, each if isinstance(each, str) else f"\0{each!r}") for name, each in extra.items())
    return Requirement(scheme, network, asset, amount, pay_to, seconds, pairs)


def _authorization(given: object) -> Authorization | Unread:
    if not isinstance(given, dict):
        return Unread("payload.authorization is not an object")
    payer, to = (_matching(given.get(name), _ADDRESS) for name in ("from", "to"))
    nonce = _matching(given.get("nonce"), _NONCE)
    numbers = [_matching(given.get(name), _NUMBER) for name in ("value", "validAfter", "validBefore")]
    if not (payer and to and nonce and all(numbers)):
        return Unread(
            "payload.authorization lacks one of from, to, value, validAfter, validBefore, nonce, as text"
        )
    value, after, before = map(int, numbers)
    return Authorization(payer.lower(), to.lower(), value, after, before, nonce.lower())


def _identifier(extensions: object) -> str | Unread:
    """The payer's own name for the payment, or ""."""
    if extensions is None:
        return ""
    if not isinstance(extensions, dict):
        return Unread("extensions is not an object")
    extension = extensions.get(IDENTIFIER)
    if extension is None:
        return ""
    told = extension.get("info") if isinstance(extension, dict) else None
    if not isinstance(told, dict):
        return Unread("the extension payment-identifier has no info")
    if "id" not in told:
        return ""
    named = _matching(told["id"], _NAMED)
    return named or Unread("a payment identifier has 16 to 128 letters, digits, - and _")


def _matching(given: object, pattern: re.Pattern[str]) -> str:
    return given if isinstance(given, str) and pattern.fullmatch(given) else ""


def _text(content: dict[str, Any], name: str) -> str:
    found = content.get(name)
    return found[:300] if isinstance(found, str) else ""
