"""A client that has nothing but the key it signs with: Web Bot Auth at the desk.

Whoever sends no credentials and signs its request (draft of 2026-10-29 over RFC
9421) is the agent whose directory holds the key. An agent that the operator
tied to a licensee (`licet licensee agent`) acts for that one. One that nobody
has seen before becomes a licensee of its own, quarantined as whoever registers
is, and paced like it; nobody is enrolled where registration is for the invited.

A signature at the desk has to cover ``@method`` and the whole target; a body
comes with a covered ``Content-Digest`` (RFC 9530) that is the body's; and it is
used once.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import uuid_utils
from aiohttp import web

from gateway.ask import Ask, HeaderFields
from gateway.clock import Clock
from gateway.desk.pacing import DeskPace
from gateway.desk.reading import body_of
from gateway.evidence import NOTHING, Evidence, Need, Needs
from gateway.licenses.accounts import Accounts
from gateway.licenses.license import Client, Licensee, Standing
from gateway.licenses.register import LicenseRegister
from gateway.problems import Problem, Refusal
from gateway.visitors.message_signature import Unreadable, digests_hold, read_signatures
from gateway.visitors.replays import Replays, SharedMarks
from gateway.visitors.signatures import TAG, SignatureFinding, Signatures

_WHOLE: Final = ({"@target-uri"}, {"@authority", "@path", "@query"}, {"@authority", "@request-target"})


@dataclass(frozen=True, slots=True)
class AgentJudge:
    """Who judges signatures, where the keys come from, which agent is whose, and whether the catalog knows it."""

    signatures: Signatures
    fetch: Callable[[Need], Awaitable[object]]
    accounts: Accounts
    cataloged: Callable[[str], bool]


class SignedAgents:
    """Recognizes clients by their signature. One object a process: it remembers signatures until they lapse."""

    def __init__(
        self,
        judge: AgentJudge,
        register: LicenseRegister,
        clock: Clock,
        pace: DeskPace,
        *,
        invited: bool,
        marks: SharedMarks | None = None,
    ) -> None:
        """Believe *judge*; keep who is new in *register*, unless only the *invited* may come in.

        *marks* are what other machines know of signatures that were used.
        """
        self._judge, self._register, self._clock = judge, register, clock
        self._pace, self._invited = pace, invited
        self._used = Replays(shared=marks)

    async def known(
        self, request: web.BaseRequest, origin: str, address: str
    ) -> tuple[Client, Licensee, str] | Refusal | None:
        """Whom the signature of *request* proves, and what it is called where no catalog says; None where there is none."""
        if TAG not in request.headers.get("Signature-Input", ""):
            return None
        now_us = self._clock.now_us()
        ask = _ask(request, origin, address, now_us)
        finding = await self._finding(ask)
        if finding is None:
            return None
        flaw = "" if finding.outcome == "verified" else ", ".join(finding.reasons[:6])
        flaw = flaw or _uncovered(ask, body_of(request))
        if flaw:
            return Refusal(
                Problem.CLIENT_UNKNOWN, f"The signature of the request does not prove a client: {flaw}."
            )
        mark = self._judge.signatures.mark(ask)
        if mark is None or await self._used.used_anywhere(mark[0], ask.id, mark[1], ask.asked_at):
            return Refusal(Problem.SIGNATURE_REPLAYED)
        return await self._acting(finding.agent, address, ask.asked_at)

    async def _finding(self, ask: Ask) -> SignatureFinding | None:
        found = self._judge.signatures.finding(ask, NOTHING)
        if isinstance(found, Needs):
            facts = [(need, await self._judge.fetch(need)) for need in found.wants]
            found = self._judge.signatures.finding(ask, Evidence().with_facts(facts))
        return found if isinstance(found, SignatureFinding) else None

    async def _acting(self, agent: str, address: str, now: int) -> tuple[Client, Licensee, str] | Refusal:
        account = await self._judge.accounts.by_agent(agent)
        if account is None:
            closed = self._closed(address)
            if closed is not None:
                return closed
            made = Licensee(
                f"le_{_digest(agent)}", agent.removeprefix("https://"), Standing.QUARANTINED, now, agent
            )
            # The same agent may have been enrolled a moment ago.
            with contextlib.suppress(ValueError):
                await self._register.add_licensee(made, _client(agent, made.id, now))
            await self._judge.accounts.tie(agent, made.id)
            account = await self._judge.accounts.by_agent(agent)
        licensee = await self._register.licensee(account.licensee) if account else None
        if licensee is None:  # pragma: no cover - an agent is tied to a licensee that exists
            return Refusal(Problem.CLIENT_UNKNOWN, "The agent acts for nobody here.")
        # The client of an agent follows from both, so a licensee that the operator tied needs no second row.
        crawler = "" if self._judge.cataloged(agent) else agent.removeprefix("https://").lower()
        return _client(agent, licensee.id, licensee.created_at), licensee, crawler

    def _closed(self, address: str) -> Refusal | None:
        if self._invited:
            return Refusal(Problem.REGISTRATION_DENIED, "Nobody comes in here without an invitation.")
        wait = self._pace.registering(address, self._clock.now_us())
        if wait:
            return Refusal(
                Problem.TOO_FAST, "There are too many registrations of this network.", retry_after=wait
            )
        return None


def _client(agent: str, licensee: str, created_at: int) -> Client:
    return Client(
        id=f"wb_{_digest(f'{agent} {licensee}')}",
        licensee=licensee,
        secret_sha256="",
        created_at=created_at,
        name=agent.removeprefix("https://"),
        uri=agent,
        signs=True,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _ask(request: web.BaseRequest, origin: str, address: str, now_us: int) -> Ask:
    target = request.raw_path
    path, _, query = target.partition("?")
    return Ask(
        id=str(uuid_utils.uuid7(nanoseconds=now_us * 1000)),
        asked_at_us=now_us,
        site="",
        origin=origin,
        method=request.method,
        target=target,
        path=path,
        query=query,
        headers=HeaderFields((name.lower(), value) for name, value in request.headers.items()),
        peer=address,
        address=address,
    )


def _uncovered(ask: Ask, body: bytes | None) -> str:
    """What the signature of *ask* leaves open that counts at the desk, or ""; *body* is None where it was not read."""
    found = read_signatures(", ".join(ask.all("signature-input")), ", ".join(ask.all("signature")))
    ours = () if isinstance(found, Unreadable) else tuple(each for each in found if each.tag == TAG)
    if len(ours) != 1:  # pragma: no cover - what was verified is one
        return "sig_unverified:several_signatures"
    covered = {each.name for each in ours[0].components}
    if "@method" not in covered or not any(whole <= covered for whole in _WHOLE):
        return "sig_uncovered:@target-uri" if "@method" in covered else "sig_uncovered:@method"
    if body is None:
        return "sig_uncovered:body"
    if body and not (
        "content-digest" in covered and digests_hold(", ".join(ask.all("content-digest")), body)
    ):
        return "sig_uncovered:content-digest"
    return ""
