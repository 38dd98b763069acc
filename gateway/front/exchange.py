"""THE PATH: one request, from its facts to its record.

`judge` decides, without waiting: identify, rule, admit, take. Whatever it lacks
it names as `Needs`; `exchange` fetches that, each kind at most once, and asks
again. Then the three acts: open the origin, commit, stream. Every request of an
automated visitor leaves exactly one record; a person's leaves none.

Order of answers: control file · free path · person or free use · owner's block
(403) · license token (bad 401; too narrow, other use, other place 403; spent
402; too fast 429) · a payment by the fetch (`rails`) · quote (402, or 401 where
the covering offer is free).

When a dependency is down:

================================ ======== ==================== =================
down                             people   crawler, free use    crawler, licensed
================================ ======== ==================== =================
spend book                       served   served               503 once its purse is empty
journal full or read-only        served   503                  503
origin                           502/504  502/504              502/504, no charge
revocations older than 1 s       served   served               503
another process was killed       served   served               waits, at most 5 s
Redis                            served   served               served; pace and marks are each machine's own
policy file invalid              last good policy for everybody
clock stepped back               served   served               later of two clocks
================================ ======== ==================== =================

In the modes `observe` and `offer` nobody is refused for any of this; the record
says what would have been.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.admission.admit import Grant, acting_for, admit, as_open
from gateway.admission.spending import Charge, Lease
from gateway.ask import Ask
from gateway.evidence import NOTHING, Evidence, Needs
from gateway.front.answer import Answer, Judged, Notice
from gateway.front.bodies import passed_body, recorded_body, started
from gateway.front.embedding import embedded, embeds, uncoded
from gateway.front.gate import Gate
from gateway.front.keeping import charge_of, kept, noted, written
from gateway.front.older import aged, unseen
from gateway.front.remember import flood_of, remember
from gateway.front.responses import committed, passed, refused, told
from gateway.front.settling import complete, paying, settled, undelivered
from gateway.languages import Phrase
from gateway.origin.delivery import Delivery, OriginAnswer
from gateway.policy.rules import Mode, Policy, Verdict
from gateway.policy.ruling import rule
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.provenance.record import Ended
from gateway.rails.rail import Asked, Headers, Tender, sold_by_fetch, tendered
from gateway.terms.license_terms import PublishedTerms


def judge(policy: Policy, ask: Ask, evidence: Evidence, gate: Gate) -> Judged | Needs:
    """Decide one request from the ask and the evidence at hand, or name what is lacking."""
    visitor = gate.identify(ask, evidence)
    if isinstance(visitor, Needs):
        return visitor
    notice = gate.notices.find(policy, ask, evidence)
    if isinstance(notice, Needs):
        return notice
    if notice is not None:
        return Judged(policy, visitor, None, notice)
    shown = gate.credentials.of(ask)
    claims = None if isinstance(shown.verdict, Refusal) else shown.verdict
    tender, position = None, shown.position
    if shown.verdict is None:
        ruling, verdict = gate.docket.unlicensed(policy, visitor, ask)
        if ruling.verdict is Verdict.LICENSE and not gate.paying.isdisjoint(ask.headers.first):  # type: ignore[attr-defined]
            asked = Asked(ask, visitor, policy, ruling, sold_by_fetch(ruling.offers, visitor))
            found = None if ruling.mode is Mode.OBSERVE else tendered(gate.rails, asked, evidence)
            if isinstance(found, Needs):
                return found
            if isinstance(found, Tender):
                tender, claims, position = found, found.claims, found.credential_at
                verdict = paying(admit(ruling, visitor, ask, claims), tender)
            elif found is not None:
                verdict = found
    elif claims is not None:
        visitor, ruling, verdict = gate.docket.licensed(policy, visitor, ask, claims)
    else:
        visitor = acting_for(visitor, shown.verdict)
        ruling = rule(policy, visitor, ask, visitor.uses)
        verdict = admit(ruling, visitor, ask, shown.verdict)
    if isinstance(verdict, Grant):
        if not (visitor.is_person or gate.journal.room(paid=verdict.charge is not None)):
            verdict = Refusal(
                Problem.JOURNAL_UNAVAILABLE, Phrase("Fetches cannot be recorded."), retry_after=10
            )
        elif verdict.charge is not None and (again := gate.replayed(ask, evidence)) is not None:
            if isinstance(again, Needs):
                return again
            verdict = again
        else:
            taken = gate.till.take(verdict, ask, evidence)
            if isinstance(taken, Needs):
                return taken
            verdict = taken
    if isinstance(verdict, Refusal) and ruling.mode is not Mode.ENFORCE:
        verdict = as_open(verdict, ruling, visitor, ruling.offers if ruling.mode is Mode.OFFER else ())
    return Judged(policy, visitor, ruling, verdict, position, claims, tender)


async def exchange(ask: Ask, body: AsyncIterator[bytes] | None, gate: Gate) -> Answer:
    """Answer one request for a creator's site, and remember that we did."""
    policy = gate.policy_of(ask.site)  # once: a request sees one version of the rules
    if policy is None:
        return refused(
            Refusal(Problem.UNKNOWN_SITE, Phrase("This site is no longer served.")), ask, None, None
        )
    judged = judge(policy, ask, NOTHING, gate)
    if isinstance(judged, Needs):
        judged = await _judged(judged, policy, ask, gate)
    gate.witness(ask, judged)
    match judged.verdict:
        case Notice() as notice:
            return _ours(told(notice, ask), ask, judged, gate)
        case Refusal() as refusal:
            return _ours(_refused(refusal, ask, judged, gate), ask, judged, gate)
        case Grant() as grant:
            return await _forwarded(ask, body, judged, grant, gate)


async def consult(ask: Ask, gate: Gate, *, hands_over: bool) -> Judged | Answer | None:
    """Decide one request for the site's own proxy: by which grant it may pass, or how it is answered instead.

    `exchange` up to the grant. What came of a grant is not seen here, so a
    licensed one is billed as it is given, and its record is durable before the
    proxy hears of it. A proxy that *hands over* what may not pass gets None for
    it: nothing is told or recorded then, because `exchange` is to answer it.
    """
    policy = gate.policy_of(ask.site)
    if policy is None:
        return refused(
            Refusal(Problem.UNKNOWN_SITE, Phrase("This site is no longer served.")), ask, None, None
        )
    judged = judge(policy, ask, NOTHING, gate)
    if isinstance(judged, Needs):
        judged = await _judged(judged, policy, ask, gate)
    if hands_over and not isinstance(judged.verdict, Grant):
        return None
    gate.witness(ask, judged)
    if isinstance(judged.verdict, Refusal):
        return _ours(_refused(judged.verdict, ask, judged, gate), ask, judged, gate)
    if judged.visitor.is_person:
        gate.people.count(ask, 200)
        return judged
    judged = unseen(judged)
    try:
        await kept(ask, judged, gate, Delivery(200, 0, "", Ended.PASSED))
    except StoreUnavailable:
        lost = Refusal(
            Problem.JOURNAL_UNAVAILABLE, Phrase("This fetch could not be recorded."), retry_after=10
        )
        return None if hands_over else _refused(lost, ask, judged, gate)
    return judged


async def _judged(needs: Needs, policy: Policy, ask: Ask, gate: Gate) -> Judged:
    """Fetch what is named and judge again, until nothing is lacking."""
    evidence = NOTHING
    judged: Judged | Needs = needs
    while isinstance(judged, Needs):
        try:
            evidence = await _fetch(judged, evidence, gate)
        except asyncio.CancelledError:
            _left(judged, policy, ask, evidence, gate)
            raise
        judged = judge(policy, ask, evidence, gate)
    # Not charged after all: revoked, or no room to record, while the lease was fetched.
    leased = evidence.get("lease", ask.id)
    if isinstance(leased, Lease) and charge_of(judged) is None:
        gate.till.give_back(leased.charge)
    return judged


async def _forwarded(
    ask: Ask,
    body: AsyncIterator[bytes] | None,
    judged: Judged,
    grant: Grant,
    gate: Gate,
) -> Answer:
    """Open the origin, commit, and hand the body on; whatever happens is remembered."""
    upstream, embedding = judged.policy.site.origin, embeds(judged.policy.publishing)
    asked = uncoded(ask, judged) if embedding else ask
    try:
        opened = await gate.origin.open(
            asked, upstream, body, ours=judged.credential_at, upgrade=grant.charge is None
        )
    except asyncio.CancelledError:
        if not judged.visitor.is_person:
            noted(written(ask, judged, gate, Delivery(0, 0, "", Ended.CLIENT)), gate)
        raise
    if isinstance(opened, Refusal):
        answer = _ours(_refused(opened, ask, judged, gate), ask, judged, gate, failure=opened)
        if grant.charge is not None:
            gate.till.give_back(grant.charge)
        await undelivered(judged.tender, gate.rails)
        return answer
    if embedding:
        opened = embedded(opened, ask, judged, _terms(ask, judged, gate))
    whole = opened.whole()
    paid: Headers = ()
    if judged.tender is not None:
        try:
            judged, paid = await settled(opened, whole, ask, judged, gate.rails, gate.till)
        except BaseException as error:
            opened.close()
            ended = Ended.CLIENT if isinstance(error, asyncio.CancelledError) else Ended.GATEWAY
            noted(written(ask, judged, gate, Delivery(0, 0, "", ended)), gate)
            raise
        if isinstance(judged.verdict, Refusal):
            opened.close()
            return _ours(_refused(judged.verdict, ask, judged, gate, paid), ask, judged, gate)
    elif judged.ruling is not None and judged.ruling.dated_by:
        judged = aged(opened, judged, ask.asked_at)
    if judged.visitor.is_person:
        gate.people.count(ask, opened.status)
        answer = _as_it_came(opened, judged.policy)
        if whole is None:
            answer.chunks = await started(passed_body(opened))
        else:
            answer.whole, answer.unmeasured = whole, True
        return answer
    if opened.tunnel is not None:
        return await _switched(opened, ask, judged, gate)
    head = committed(opened, ask, judged, _terms(ask, judged, gate), paid)
    answer = Answer(opened.status, "", (), head=head, length=opened.length)
    if whole is None:
        answer.chunks = await started(recorded_body(opened, ask, judged, gate))
        return answer
    try:
        await kept(ask, judged, gate, complete(opened, whole))
    except StoreUnavailable:
        lost = Refusal(
            Problem.JOURNAL_UNAVAILABLE, Phrase("This fetch could not be recorded."), retry_after=10
        )
        return _refused(lost, ask, judged, gate)
    answer.whole, answer.unmeasured = whole, True
    return answer


async def _switched(opened: OriginAnswer, ask: Ask, judged: Judged, gate: Gate) -> Answer:
    """The origin speaks another protocol with a crawler that owes nothing; the listener words the head."""
    passed = await started(recorded_body(opened, ask, judged, gate))
    return Answer(opened.status, opened.reason, opened.headers, passed, opened.tunnel)


def _refused(refusal: Refusal, ask: Ask, judged: Judged, gate: Gate, more: Headers = ()) -> Answer:
    return refused(refusal, ask, judged, _terms(ask, judged, gate), gate.rails, more)


def _terms(ask: Ask, judged: Judged, gate: Gate) -> PublishedTerms:
    return gate.published(judged.policy, ask.origin)


def _left(needs: Needs, policy: Policy, ask: Ask, evidence: Evidence, gate: Gate) -> None:
    """The client left while evidence was fetched: remembered like everything else, and nothing is owed."""
    gone = Refusal(Problem.REQUEST_TIMEOUT, Phrase("The client left before it was answered."))
    judged = judge(policy, ask, evidence.with_facts((need, gone) for need in needs.wants), gate)
    if not isinstance(judged, Needs) and not judged.visitor.is_person:
        delivery = Delivery(0, 0, "", Ended.CLIENT)
        noted(remember(ask, judged, delivery, ended_us=gate.clock.now_us()), gate)
        if (charge := charge_of(judged)) is not None:
            gate.till.give_back(charge)
    for need in needs.wants:
        if isinstance(need.about, Charge):  # its lease may have come just as the client left
            gate.till.give_back(need.about)


async def _fetch(needs: Needs, evidence: Evidence, gate: Gate) -> Evidence:
    again = [need for need in needs.wants if evidence.has(need.kind, need.key)]
    if again:
        raise RuntimeError(f"evidence was fetched and is asked for again: {again}")
    values = await asyncio.gather(*(gate.sources[need.kind](need) for need in needs.wants))
    return evidence.with_facts(zip(needs.wants, values, strict=True))


def _ours(answer: Answer, ask: Ask, judged: Judged, gate: Gate, *, failure: Refusal | None = None) -> Answer:
    """Record an answer of our own making, which owes nothing and is not waited for."""
    if judged.visitor.is_person:
        gate.people.count(ask, answer.status)
        return answer
    refusing = isinstance(judged.verdict, Refusal)
    if (
        refusing
        and judged.claims is None
        and not gate.journal.floods.alone(*flood_of(ask, judged, answer.status))
    ):
        return answer  # one of many alike: counted, and told with their number
    ended = Ended.REFUSED if refusing else Ended.GATEWAY if failure else Ended.COMPLETE
    length = len(answer.whole)
    delivery = Delivery(answer.status, length, "", ended, length)
    noted(remember(ask, judged, delivery, ended_us=gate.clock.now_us(), failure=failure), gate)
    return answer


def _as_it_came(opened: OriginAnswer, policy: Policy) -> Answer:
    """What a person gets: the origin's own lines. A switch of protocols is worded by the listener."""
    if opened.tunnel is not None:
        return Answer(opened.status, opened.reason, opened.headers, tunnel=opened.tunnel)
    return Answer(opened.status, "", (), head=passed(opened, policy), length=opened.length)
