"""The round over bundles: nothing until the last item, the milestone once, and a manifest that is gone stops nobody."""

from __future__ import annotations

from dataclasses import replace

from gateway.app.ingestion_round import IngestionRound
from gateway.clock import HandClock
from gateway.licenses.bundle import Fetched
from gateway.licenses.license import Client, Licensee, Standing
from gateway.store.memory.events import Happened
from gateway.store.memory.register import MemoryRegister
from gateway.terms.license_terms import Scope
from tests.licenses.test_bundle import THREE
from tests.licenses.test_life import FIRST, TERMS


class Reading:
    """A port whose deliveries the test writes; the milestones it was given, by license."""

    def __init__(self, *ids):
        self.ids, self.got, self.happened = ids, {}, Happened()

    async def awaited(self):
        told = {each.event.subject for each in self.happened.kept()}
        return tuple(id for id in self.ids if id not in told)

    async def fetched(self, license_id):
        return tuple(Fetched(path, "a" * 64) for path in self.got.get(license_id, ()))

    async def tell(self, milestone):
        self.happened.keep([milestone])


async def test_the_milestone_is_told_after_the_last_item_and_once():
    register = MemoryRegister()
    await register.add_licensee(Licensee("le_1", "AI", Standing.ACTIVE, 1), Client("cl_1", "le_1", "", 1))
    paths = tuple(FIRST.terms.scope.paths)
    sold = replace(TERMS, scope=Scope(("essays",), paths, bundle=THREE.bundle))
    await register.grant(replace(FIRST, terms=sold))
    gone = replace(THREE.bundle, manifest="sha-256:gone")
    await register.grant(
        replace(FIRST, id="li_2", terms=replace(sold, scope=replace(sold.scope, bundle=gone)))
    )
    reading = Reading("li_2", "li_1", "li_unknown")
    found = lambda site, bundle: THREE if (site, bundle) == ("journal", THREE.bundle) else None  # noqa: E731
    rounds = IngestionRound(reading, register, found, HandClock())

    async def told(*got):
        reading.got = {"li_1": got, "li_2": got}
        await rounds.act()
        return [each.event.subject for each in reading.happened.kept()]

    assert await told() == []
    assert await told("/essays/a", "/essays/c") == []
    assert await told("/essays/a", "/essays/c", "/essays/b/") == ["li_1"]
    assert await told("/essays/a", "/essays/c", "/essays/b/") == ["li_1"]


async def test_the_milestone_is_told_at_the_share_that_the_terms_name():
    register = MemoryRegister()
    await register.add_licensee(Licensee("le_1", "AI", Standing.ACTIVE, 1), Client("cl_1", "le_1", "", 1))
    less = replace(THREE.bundle, ingestion=600_000)
    sold = replace(TERMS, scope=Scope(("essays",), tuple(FIRST.terms.scope.paths), bundle=less))
    await register.grant(replace(FIRST, terms=sold))
    reading = Reading("li_1")
    rounds = IngestionRound(reading, register, lambda *_: THREE, HandClock())
    for got, told in ((("/essays/a",), 0), (("/essays/a", "/essays/c"), 1)):
        reading.got = {"li_1": got}
        await rounds.act()
        assert len(reading.happened.kept()) == told


async def test_nobody_waits_for_what_was_withdrawn():
    register = MemoryRegister()
    await register.add_licensee(Licensee("le_1", "AI", Standing.ACTIVE, 1), Client("cl_1", "le_1", "", 1))
    sold = replace(TERMS, scope=Scope(("essays",), tuple(FIRST.terms.scope.paths), bundle=THREE.bundle))
    await register.grant(replace(FIRST, terms=sold))
    reading, gone = Reading("li_1"), []
    rounds = IngestionRound(reading, register, lambda *_: THREE, HandClock(), lambda *_: gone)
    reading.got = {"li_1": ("/essays/a",)}
    gone.append("/essays/b/")
    await rounds.act()
    assert reading.happened.kept() == ()
    gone.append("/essays/c")
    await rounds.act()
    (told,) = reading.happened.kept()
    assert (told.event.subject, told.event.body["items"]) == ("li_1", 1)


async def test_a_bundle_of_which_everything_was_withdrawn_is_taken_in_by_nobody():
    register = MemoryRegister()
    await register.add_licensee(Licensee("le_1", "AI", Standing.ACTIVE, 1), Client("cl_1", "le_1", "", 1))
    sold = replace(TERMS, scope=Scope(("essays",), tuple(FIRST.terms.scope.paths), bundle=THREE.bundle))
    await register.grant(replace(FIRST, terms=sold))
    reading = Reading("li_1")
    paths = [each.path for each in THREE.items]
    await IngestionRound(reading, register, lambda *_: THREE, HandClock(), lambda *_: paths).act()
    assert reading.happened.kept() == ()
