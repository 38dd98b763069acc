"""What a line of another server's log would have been here: a record in mode observe, or one more of a total."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from gateway.admission.admit import admit
from gateway.ask import Ask, HeaderFields, make_ask
from gateway.cli.access_log import Hit
from gateway.front.answer import Judged, Notice
from gateway.front.remember import Remembered, remember
from gateway.origin.delivery import Delivery
from gateway.paths import Ambiguous, canonical
from gateway.policy.rules import Mode, Policy
from gateway.policy.ruling import rule
from gateway.provenance.audience import Audience, referring_service
from gateway.provenance.floods import network_of
from gateway.provenance.record import Ended
from gateway.visitors.explained import imagined
from gateway.visitors.visitor import Visitor

#: Lines whose like is remembered, to tell one that was written twice from one that was read twice.
_LIKE: Final = 50_000
_KNOWN: Final = 20_000
_LONGEST_TARGET: Final = 4096
_METHOD: Final = re.compile(r"[A-Za-z]{1,24}", re.ASCII)
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_ROBOTS: Final = "/robots.txt"
_NOT_KEPT: Final = Notice("robots.txt", "", b"", "")


class Hindsight:
    """Puts hits to the identifier and the policies, and counts people into *audience*.

    Who asked is told by User-Agent and address alone, as `licet who FILE` does.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        visitor_of: Callable[[Ask], Visitor],
        audience: Audience,
        *,
        keep_queries: bool = False,
    ) -> None:
        """Judge by *policies*, of which the first takes hosts that none names; *keep_queries* keeps their values."""
        self._policies = [replace(each, site=replace(each.site, mode=Mode.OBSERVE)) for each in policies]
        self._identify, self.audience, self._keep_queries = visitor_of, audience, keep_queries
        self._known: OrderedDict[tuple[str, str], tuple[Visitor, HeaderFields]] = OrderedDict()
        self._like: OrderedDict[bytes, int] = OrderedDict()

    def begin(self) -> None:
        """Begin a file: lines of one file that are alike are different requests, those of two files are not."""
        self._like.clear()

    def take(self, line: bytes, hit: Hit) -> Remembered | None:
        """The record of *hit*, which *line* tells of, or None where it was a person, who is counted."""
        visitor, fields = self._visitor(hit)
        policy = self._policy_of(hit.host)
        path, ambiguity = _plain(hit.target[:_LONGEST_TARGET].partition("?")[0])
        if visitor.is_person:
            service = referring_service(hit.referer)
            self.audience.count(policy.site.id, path, hit.status, service, hit.at * 1_000_000)
            return None
        return self._recorded(line, hit, visitor, fields, policy, path, ambiguity)

    def _recorded(
        self,
        line: bytes,
        hit: Hit,
        visitor: Visitor,
        fields: HeaderFields,
        policy: Policy,
        path: str,
        why: str,
    ) -> Remembered:
        target = hit.target[:_LONGEST_TARGET]
        query = target.partition("?")[2]
        ask = make_ask(
            id=self._id(line),
            asked_at_us=hit.at * 1_000_000,
            site=policy.site.id,
            origin=policy.site.public or f"https://{_host(hit.host) or _named(policy)}",
            method=hit.method.upper() if _METHOD.fullmatch(hit.method) else "-",
            target=target,
            path=path,
            ambiguity=why,
            query=query if self._keep_queries else _names(query),
            headers=fields,
            peer="",
            address=network_of(hit.address),
            country="",
            country_basis="",
        )
        delivery = Delivery(hit.status, hit.sent, "", Ended.COMPLETE)
        if path == _ROBOTS:
            judged = Judged(policy, visitor, None, _NOT_KEPT)
        else:
            ruling = rule(policy, visitor, ask, visitor.uses)
            judged = Judged(policy, visitor, ruling, admit(ruling, visitor, ask, None))
        return remember(ask, judged, delivery, ended_us=ask.asked_at_us)

    def _visitor(self, hit: Hit) -> tuple[Visitor, HeaderFields]:
        agent = hit.user_agent or ""
        key = agent, hit.address
        found = self._known.get(key)
        if found is None:
            ask, _ = imagined(
                agent or None, hit.address, origin="https://site.example", method="GET", target="/", at=hit.at
            )
            found = self._known[key] = self._identify(ask), HeaderFields(ask.headers)
            if len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        return found

    def _policy_of(self, host: str) -> Policy:
        if len(self._policies) == 1:
            return self._policies[0]
        name = _host(host)
        for wanted in (name, "*"):
            for each in self._policies:
                if wanted in each.site.hosts:
                    return each
        return self._policies[0]

    def _id(self, line: bytes) -> str:
        """An id of its own for this line and for how often it has come in this file: the same when read again."""
        text = line.rstrip(b"\r\n")
        digest = hashlib.sha256(text).digest()
        times = self._like.pop(digest, 0) + 1
        self._like[digest] = times
        if len(self._like) > _LIKE:
            self._like.popitem(last=False)
        named = hashlib.sha256(digest + times.to_bytes(8)).digest()
        # RFC 9562 (May 2024), section 5.8: version 8 is whatever its maker says.
        octets = bytearray(named[:16])
        octets[6], octets[8] = octets[6] & 0x0F | 0x80, octets[8] & 0x3F | 0x80
        return str(uuid.UUID(bytes=bytes(octets)))


@lru_cache(maxsize=8192)
def _plain(path: str) -> tuple[str, str]:
    plain = canonical(path)
    return ("", plain.why) if isinstance(plain, Ambiguous) else (plain, "")


@lru_cache(maxsize=1024)
def _host(text: str) -> str:
    """The host name that *text* is, without port, or "" where it is none."""
    name = text.lower().partition(":")[0].rstrip(".")
    return name if _HOST.fullmatch(name) else ""


def _named(policy: Policy) -> str:
    return next((host for host in policy.site.hosts if host != "*"), policy.site.id)


def _names(query: str) -> str:
    """What is kept of a query: the names of its parts, without what they were set to."""
    if not query:
        return ""
    return "&".join(
        name + "=" for name, equal, _ in (part.partition("=") for part in query.split("&")) if equal
    )
