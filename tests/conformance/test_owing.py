"""`Owing`: what booking reads of licenses, accepted reports and the folded journal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.licenses.obligations import DAY, Evidence, Kind, accepted, delivered, schedule
from gateway.licenses.offers import months_after
from gateway.licenses.transparency import TransparencyReport
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import Attribution, Audit, Compensation, Milestone


@pytest.fixture
async def license(ports, make):
    """A license of le_1 for a year."""
    await ports.register.add_licensee(*make.enrolled(1))
    await ports.register.add_licensee(*make.enrolled(2))
    terms = replace(make.TERMS, audit=Audit("quarterly"))
    made = make.license_of("lic_1", terms=terms, ends_at=months_after(make.NOW, 12))
    await ports.register.grant(made)
    return made


def report_of(duty):
    body = {
        "duty": duty.id, "license": duty.license, "period": {"begins": duty.begins, "ends": duty.ends},
        "datasets": [], "models": [], "inferences": [], "revenue": [], "statement": {"by": "Eve", "role": "CEO"},
    }  # fmt: skip
    return TransparencyReport.model_validate(body)


async def handed_in(ports, duty, *, accept):
    report, now = report_of(duty), duty.ends + DAY
    evidence = Evidence(report.sha256, "application/json", 9, now)
    after = delivered(duty, evidence, now)
    await ports.duties.put(duty.version, after, at=now, report=report)
    if accept:
        await ports.duties.put(after.version, accepted(after), at=now)


async def test_only_reports_that_were_accepted_are_told(ports, license):
    reports = [each for each in schedule(license) if each.kind is Kind.REPORT]
    await ports.duties.plan(license, schedule(license))
    before = await ports.owing.signs()
    await handed_in(ports, reports[0], accept=False)
    assert await ports.owing.signs() == before
    assert (await ports.owing.held("lic_1")).reports == ()
    await handed_in(ports, reports[1], accept=True)
    assert await ports.owing.signs() != before
    (kept,) = (await ports.owing.held("lic_1")).reports
    assert (kept.duty, kept.at, kept.report) == (reports[1].id, reports[1].ends + DAY, report_of(reports[1]))


async def test_versions_and_the_end_by_revocation_are_told_and_change_the_sign(ports, make, license):
    first = await ports.owing.signs()
    new = replace(
        license,
        version=2,
        starts_at=make.NOW + 50,
        terms=replace(license.terms, attribution=Attribution("x")),
    )
    assert await ports.lives.put_version(new, "agreement") == new
    second = await ports.owing.signs()
    await ports.register.revoke("license", "lic_1", make.NOW + 90)
    third = await ports.owing.signs()
    assert len({first["lic_1"], second["lic_1"], third["lic_1"]}) == 3
    held = await ports.owing.held("lic_1")
    assert [(each.version, each.ends_at) for each in held.versions] == [
        (1, make.NOW + 50),
        (2, license.ends_at),
    ]
    assert held.over_at == make.NOW + 90
    nobody = await ports.owing.held("lic_9")
    assert (nobody.versions, nobody.reports, nobody.over_at) == ((), (), 0)


async def test_entries_are_those_of_the_licensee_and_deliveries_those_of_the_license(ports, make, license):
    before = await ports.owing.signs()
    await ports.put(
        make.fetch("f1"), make.book("fee", 5, "b1", license="lic_1"), make.book("credit", 5, "b2"),
        make.fetch("f2", license="lic_2"), make.book("credit", 5, "b3", licensee="le_2"),
        make.fetch("f3", outcome="refused"), make.fetch("f4", licensee="le_2"), make.fetch("f5"),
    )  # fmt: skip
    assert [each.id for each in await ports.owing.entries("lic_1", deliveries=False)] == ["b1", "b2"]
    assert [each.id for each in await ports.owing.entries("lic_1", deliveries=True)] == [
        "f1",
        "b1",
        "b2",
        "f5",
    ]
    assert await ports.owing.entries("lic_9", deliveries=True) == ()
    assert (await ports.owing.items("lic_1"), await ports.owing.items("lic_9")) == (1, 0)
    await ports.put(
        make.fetch("g1", path="/essays/b"), make.fetch("g2", path="/essays/b", rendition="transcript"),
        make.fetch("g3", path="/essays/c", reason="read-before"),
    )  # fmt: skip
    assert await ports.owing.items("lic_1") == 3
    changed = await ports.owing.signs()
    assert changed["lic_1"] != before["lic_1"]
    await ports.put(make.fetch("f6"), make.book("credit", 5, "b4"))
    assert await ports.owing.signs() == changed, "what is charged at each fetch needs no look"


async def test_rates_are_told_in_order_and_change_every_sign(ports, make, license):
    before = await ports.owing.signs()
    rate = make.book("rate", 1_085_000_000, "b1", licensee="", reference="EUR", memo="ECB")
    await ports.put(rate, make.book("credit", 5, "b2"), replace(rate, id="b3", amount_micros=7))
    assert [(each.base, each.quote, each.micros) for each in (await ports.owing.rates()).entered] == [
        ("EUR", "USD", 1_085_000_000), ("EUR", "USD", 7),
    ]  # fmt: skip
    assert (await ports.owing.signs())["lic_1"] != before["lic_1"]
    assert await ports.ledger.postings(None, 0, 1 << 62) != ()
    assert all(each.entry_id == "b2" for each in await ports.ledger.postings(None, 0, 1 << 62))


async def test_licenses_for_one_fetch_are_left_out(ports, make, license):
    await ports.register.grant(make.license_of("pf_1", licensee="le_2"))
    await ports.register.grant(make.license_of("pfx", licensee="le_2", crawlers=frozenset()))
    assert set(await ports.owing.signs()) == {"lic_1", "pfx"}


async def test_licenses_with_milestones_are_named_in_order_behind_one(ports, make, license):
    """Also those that have them since a later version, and none for one fetch."""
    price = Compensation(
        "USD", upfront=Money(5_000_000, "USD"), milestones=(Milestone("launch", 5_000, "statement"),)
    )
    terms = replace(license.terms, compensation=price)
    for id in ("lic_4", "lic_2", "lic_3", "pf_1"):
        # Each is for works of its own, so that all are agreements of their own.
        scope = replace(terms.scope, paths=(*terms.scope.paths, PathScope(f"/{id}/")))
        await ports.register.grant(replace(license, id=id, terms=replace(terms, scope=scope)))
    assert await ports.owing.with_milestones(9) == ("lic_2", "lic_3", "lic_4")
    later = replace(license, version=2, starts_at=make.NOW + 50, terms=terms)
    assert await ports.lives.put_version(later, "agreement") == later
    assert await ports.owing.with_milestones(9) == ("lic_1", "lic_2", "lic_3", "lic_4")
    assert await ports.owing.with_milestones(2) == ("lic_1", "lic_2")
    assert await ports.owing.with_milestones(2, "lic_2") == ("lic_3", "lic_4")
    assert await ports.owing.with_milestones(9, "lic_4") == ()
    # One that is not there leaves its place.
    assert await ports.owing.with_milestones(1, "lic_25") == ("lic_3",)
