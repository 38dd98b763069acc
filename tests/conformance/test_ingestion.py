"""`Ingestion`: which licenses over bundles wait for their milestone, and what was delivered whole under one."""

from __future__ import annotations

from dataclasses import replace

from gateway.licenses.bundle import Fetched, Item, ingested, manifest, progress
from gateway.paths import PathScope
from gateway.terms.license_terms import Scope

MADE = manifest("launch", "journal", 1, [Item("/essays/a", "essays", "page", "a" * 64, 1, "own", "none")])
#: A text that looks like the member, and is none.
TRICK = '"bundle":{'


async def test_a_license_over_a_bundle_waits_until_it_was_told(ports, make):
    sold = replace(make.TERMS, scope=Scope(("essays",), (PathScope("/essays/a"),), bundle=MADE.bundle))
    trick = replace(make.TERMS, scope=Scope((TRICK,), (PathScope("/essays/a"),)))
    await ports.register.add_licensee(*make.enrolled(1))
    license = make.license_of("li_1", terms=sold)
    for each in (license, make.license_of("li_2", terms=trick), make.license_of("li_3")):
        await ports.register.grant(each)
    assert await ports.ingestion.awaited() == ("li_1",)
    told = ingested(license, progress(MADE, [Fetched("/essays/a", "a" * 64)]), MADE.hash, make.NOW)
    await ports.ingestion.tell(told)
    await ports.ingestion.tell(told)
    assert await ports.ingestion.awaited() == ()
    assert await ports.ingestion.sold() == ("li_1",)
    assert (await ports.happened()).count("milestone.ingestion") == 1


async def test_only_what_was_delivered_whole_under_the_license_counts(ports, make):
    await ports.register.add_licensee(*make.enrolled(1))
    await ports.register.grant(make.license_of("lic_1"))
    at = make.NOW * 1_000_000
    await ports.put(
        make.fetch("r1", path="/essays/b", digest="b" * 64, time_us=at + 5_000_000),
        make.fetch("r2", path="/essays/b", digest="b" * 64, time_us=at),
        make.fetch("r3", path="/essays/a", digest="a" * 64),
        make.fetch("r4", path="/essays/c", digest="c" * 64, status=206),
        make.fetch("r5", path="/essays/d", digest="d" * 64, ended="client-abort"),
        make.fetch("r6", path="/essays/e", digest="e" * 64, method="HEAD"),
        make.fetch("r7", path="/essays/f", digest="f" * 64, license="lic_2"),
        make.fetch("r8", path="/essays/g", digest=""),
        make.fetch("r9", path="/essays/h", digest="h" * 64, status=304),
    )
    assert await ports.ingestion.fetched("lic_1") == (
        Fetched("/essays/a", "a" * 64, make.NOW),
        Fetched("/essays/b", "b" * 64, make.NOW),
    )
    assert await ports.ingestion.fetched("lic_9") == ()
