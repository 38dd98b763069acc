"""The pages of bundles: what is on offer, who took what in, what was withdrawn and credited."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.dashboard.bundle_pages import Bundles
from gateway.licenses.bundle import write_manifest
from gateway.licenses.withdrawal import Withdrawal
from gateway.paths import PathScope
from gateway.policy.bundles import manifest_file
from gateway.policy.reading import read_policy
from gateway.store.sqlite.ingestion import SqliteIngestion
from gateway.store.sqlite.ledger import SqliteLedger
from tests.policy.test_bundles import MADE, POLICY


@pytest.fixture
async def shop(start, database, owed, tmp_path):
    file = tmp_path / "sites" / "journal.toml"
    manifest_file(file, "launch").parent.mkdir(parents=True)
    for name, made in (("launch", MADE), ("older", replace(MADE, name="older", items=MADE.items[:1]))):
        manifest_file(file, name).write_text(write_manifest(made))
    manifest_file(file, "broken").write_text("{")
    file.write_text(POLICY.format(rights="own", more='ingestion = "90 %"'))
    policy, withdrawn = read_policy(file), []
    bundles = Bundles(
        SqliteIngestion(database.database),
        owed.register,
        SqliteLedger(database.database),
        lambda: (policy,),
        lambda: tuple(withdrawn),
    )
    dashboard = await start(database, bundles=bundles)
    assert (await dashboard.set_password()).status == 303
    dashboard.policy, dashboard.withdrawn = policy, withdrawn
    return dashboard


async def page(shop, path):
    answer = await shop.client.get(shop.base + path)
    return answer.status, await answer.text()


async def test_each_manifest_is_listed_with_its_price_and_how_often_it_was_sold(shop, owed):
    status, text = await page(shop, "/bundles")
    assert status == 200
    assert text.index("on offer") < text.index("not sold now")
    assert "3 works" in text and "90.00 <abbr>USD</abbr></span> at signing" in text and "0 licenses" in text


async def test_one_shows_its_works_and_what_its_licenses_are_owed(shop, owed):
    offer = shop.policy.offers[0]
    license = await owed.license(
        "Example AI Labs", scope=offer.terms.scope, compensation=offer.terms.compensation
    )
    status, text = await page(shop, f"/bundles/{MADE.hash}")
    assert status == 200
    assert "0 of 3 works" in text and "Example AI Labs" in text and "90 %" in text and "not yet" in text
    uses = license.terms.purpose.uses
    shop.withdrawn.append(
        Withdrawal("wd_1", "journal", uses, owed.now - 5, owed.now - 5, paths=(PathScope("/essays/b"),))
    )
    shop.withdrawn.append(
        Withdrawal("wd_2", "journal", uses, owed.now, owed.now, paths=(PathScope("/essays/a"),), hold=True)
    )
    _, text = await page(shop, f"/bundles/{MADE.hash}")
    assert '1 withdrawn, <span class="money">30.00 <abbr>USD</abbr></span>, 0 in the books' in text
    assert text.count(">withdrawn</strong>") == 1


@pytest.mark.parametrize(
    "path", ["/bundles/sha-256:0", "/bundles/launch", "/bundles/..%2flaunch", "/bundles/%00"]
)
async def test_what_is_no_manifest_is_not_found(shop, path):
    assert (await page(shop, path))[0] == 404


async def test_without_a_bundle_the_page_says_how_one_is_made(start, database, owed):
    nothing = Bundles(
        SqliteIngestion(database.database), owed.register, SqliteLedger(database.database), tuple, tuple
    )
    dashboard = await start(database, bundles=nothing)
    await dashboard.set_password()
    assert "licet bundle make" in (await page(dashboard, "/bundles"))[1]
