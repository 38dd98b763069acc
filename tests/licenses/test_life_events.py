"""What is told of a license's life: types, ids that stay, and nothing that its licensee may not read."""

from __future__ import annotations

from dataclasses import replace

from gateway.licenses.life import amended, renewed
from gateway.licenses.life_events import TYPES, expired, expiring, followed, issued, revoked
from gateway.money import Money
from gateway.terms.license_terms import Compensation
from tests.licenses.test_life import FIRST, START, TERMS, WIDER


def test_each_change_has_its_type():
    second = amended(FIRST, WIDER, policy="p2", now=START + 9)
    told = [
        *issued(replace(FIRST, offer=""), START),
        followed(FIRST, renewed(FIRST, TERMS, policy="p2"), START), followed(FIRST, second, START + 9),
        expiring(FIRST, START), expired(FIRST, FIRST.ends_at), revoked(FIRST, START),
    ]  # fmt: skip
    assert tuple(each.type for each in told) == TYPES
    assert {(each.subject, each.licensee, each.site) for each in told} == {("li_1", "le_1", "journal")}
    assert told[2].body["terms_hash"] == second.terms.hash
    assert {each.body["path"] for each in told} == {"/.licet/licenses/li_1"}
    assert len({each.id for each in told}) == len(told)


def test_the_same_end_has_one_id_and_another_version_has_another():
    assert expired(FIRST, FIRST.ends_at).id == expired(FIRST, FIRST.ends_at + 5).id
    assert expired(FIRST, START).id != expired(replace(FIRST, version=2), START).id


def test_what_is_bought_as_published_for_its_fetches_alone_is_no_news():
    fee = replace(
        TERMS, compensation=replace(TERMS.compensation, upfront=Money(1, TERMS.compensation.currency))
    )
    plain = replace(FIRST, offer="answers", terms=replace(TERMS, compensation=Compensation("USD")))
    assert issued(plain, START) == ()
    for each in (replace(plain, offer=""), replace(plain, terms=fee)):
        (told,) = issued(each, START)
        assert (told.type, told.body["terms_hash"]) == ("license.issued", each.terms.hash)
