"""Idempotency keys: whoever asks again for the same gets the same answer, and nothing is done twice.

After draft-ietf-httpapi-idempotency-key-header-07 (October 2025): a POST that
moves money may carry ``Idempotency-Key``. Within a day

- the same key with the same request gives the answer that was given, and
  ``Idempotent-Replayed: true``;
- the same key with another request is refused with 409;
- at the same time, the second waits for the first.

An answer that says no moved nothing: it is not kept, and the same request may
succeed later. A key is one client's alone. Of the key itself only a hash is
kept, and the answer rests sealed with the key, because it may hold a token:
whoever reads the store reads neither.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from weakref import WeakValueDictionary

import orjson
from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.canonical import canonical_bytes
from gateway.clock import Clock
from gateway.problems import Problem, Refusal

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
#: Seconds for which a key is remembered at least.
KEPT_SECONDS: Final = 86_400
_KEY: Final = re.compile(r"[!-~]{1,255}", re.ASCII)
_NONCE: Final = 12
_TOLD: Final = frozenset({"content-type", "cache-control", "etag", "pragma", "location"})

Act = Callable[[], Awaitable[web.Response | Refusal]]


@dataclass(frozen=True, slots=True)
class Stood:
    """What stands under a name: the *fingerprint* of the first request, and its answer, sealed, or b""."""

    fingerprint: str
    sealed: bytes = b""


class Repeats(Protocol):
    """Where requests rest that carried a key. A storage port.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_repeats.py`. Raises `StoreUnavailable`.
    """

    async def begin(self, name: str, fingerprint: str, at: int) -> Stood:
        """Keep *fingerprint* under *name* unless something younger than a day stands there; what then stands.

        Whatever is older than a day is forgotten on the way. *at* is in whole seconds.
        """
        ...

    async def finish(self, name: str, sealed: bytes) -> None:
        """Keep the answer under *name*."""
        ...


class Once:
    """Does what carries a key once. One object a process, which must be the only one that uses its store."""

    def __init__(self, repeats: Repeats, clock: Clock) -> None:
        """Remember in *repeats*."""
        self._repeats, self._clock = repeats, clock
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer(
        self, request: web.BaseRequest, client: str, wanted: Mapping[str, object], act: Act, named: str = ""
    ) -> web.Response | Refusal:
        """Do *act* for *client*, or give again what it gave. *wanted* says what is asked for, as JSON holds it.

        *named* is the key where a protocol has another place for it than the header.
        """
        key = named or key_of(request)
        if isinstance(key, Refusal):
            return key
        if not key:
            return await act()
        name = hashlib.sha256(f"{client}\0{key}".encode()).hexdigest()
        fingerprint = hashlib.sha256(
            canonical_bytes({"method": request.method, "path": request.path, "wanted": wanted})
        ).hexdigest()
        async with self._lines.setdefault(name, asyncio.Lock()):
            stood = await self._repeats.begin(name, fingerprint, self._clock.now_us() // 1_000_000)
            if stood.fingerprint != fingerprint:
                return Refusal(Problem.IDEMPOTENCY_CONFLICT, "The key came with another request before.")
            if stood.sealed:
                return _opened(stood.sealed, key, name)
            answer = await act()
            if isinstance(answer, web.Response) and answer.status < 400:
                await self._repeats.finish(name, _sealed(answer, key, name))
            return answer


def key_of(request: web.BaseRequest) -> str | Refusal:
    """The key of *request*, "" if it has none; quotes of a structured field are no part of it."""
    found = request.headers.getall(HEADER, [])
    if not found:
        return ""
    text = found[0].strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if len(found) > 1 or not _KEY.fullmatch(text):
        return Refusal(
            Problem.FORM_INVALID,
            f"{HEADER} is sent once, with at most 255 printable characters, without spaces.",
        )
    return text


def _sealed(answer: web.Response, key: str, name: str) -> bytes:
    body = answer.body
    octets = body if isinstance(body, bytes) else b""
    headers = [[each, value] for each, value in answer.headers.items() if each.lower() in _TOLD]
    told = {"status": answer.status, "headers": headers, "body": base64.b64encode(octets).decode("ascii")}
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(key).encrypt(nonce, orjson.dumps(told), name.encode())


def _opened(sealed: bytes, key: str, name: str) -> web.Response:
    try:
        told = orjson.loads(_cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode()))
    except InvalidTag as error:  # pragma: no cover - the name is made of the key
        raise RuntimeError("an answer was kept under another key") from error
    headers = dict(told["headers"])
    return web.Response(
        status=told["status"],
        body=base64.b64decode(told["body"]),
        headers={**headers, REPLAYED: "true", "X-Content-Type-Options": "nosniff", "Server": "licet"},
    )


def _cipher(key: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"licet answer\0" + key.encode()).digest())
