"""What the inbox is put together from follows the policies that are in force."""

from __future__ import annotations

from dataclasses import replace

from gateway.app.dealing import bargaining_of, creator_of, deals_of
from gateway.licenses.contract import Party
from gateway.licenses.position import usual
from gateway.policy.reading import default_policy
from gateway.policy.reload import PolicyShelf
from gateway.policy.rules import Signing
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.lives import SqliteLives
from gateway.store.sqlite.register import SqliteRegister
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer, Purpose, Scope
from gateway.uses import Use


async def test_who_the_creator_is_and_how_far_it_goes(tmp_path):
    policy = default_policy("http://127.0.0.1:1")
    policy = replace(policy, site=replace(policy.site, name="The Journal"))
    shelf = PolicyShelf(lambda: (policy,))
    site = policy.site.id
    assert creator_of(shelf, site) == Party(name="The Journal")
    named = Party("The Journal Ltd", "1 Test Street", "Ada", "director")
    signed = PolicyShelf(lambda: (replace(policy, signing=Signing("Ireland", creator=named)),))
    assert creator_of(signed, site) == named
    assert creator_of(signed, "gone") == Party()
    database = await Database.open(tmp_path / "licet.db")
    deals = deals_of(database, SqliteRegister(database), signed)
    assert deals.signing(site) == named
    terms = LicenseTerms(Scope((), ()), Purpose(frozenset({Use.AI_INPUT})), Compensation("USD"))
    assert deals.position(site, Offer("answers", site, terms, "sha-256:p")) == usual(3)
    assert await deals.negotiations.get("ne_1") is None
    bargaining = bargaining_of(database, signed.position, SqliteLives(database), None)
    assert bargaining.clauses
    assert bargaining.in_person.verifying is None
    await database.close()
