"""`LicenseRegister`: who is who, what was agreed, what was revoked."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.licenses.exclusivity import Conflict
from gateway.licenses.license import Standing
from gateway.licenses.life_events import issued
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import Exclusivity, Territory
from gateway.tokens.claims import Budget, Claims


def token(issued_at, **changes):
    made = Claims(
        "iss", "aud", "cl_1", "jti-1", issued_at, issued_at, issued_at + 600, "lic_1", "le_1",
        (PathScope("/"),), ("page",), frozenset(), Territory(), frozenset(), Budget(), Money(1, "USD"), "t", "p",
    )  # fmt: skip
    return replace(made, **changes)


async def happened(ports):
    return [each.event for each in await ports.events.after(0, 999)]


async def test_licensees_and_licenses_are_read_behind_any_of_them_the_newest_first(ports, make):
    for number in range(1, 13):
        one, client = make.enrolled(number, f"N{number % 5}", [*Standing][number % 2])
        await ports.register.add_licensee(replace(one, created_at=make.NOW - number // 3), client)
        made = make.license_of(f"li_{number * 5 % 13:02}", licensee=one.id)
        await ports.register.grant(replace(made, starts_at=made.starts_at - number // 4))
    every = await ports.register.newest_licensees(99)
    assert list(every) == sorted(
        await ports.register.licensees(), key=lambda each: (-each.created_at, each.id)
    )
    granted = await ports.register.newest_licenses(99)
    assert [each.id for (each,) in granted] == [
        each.id for each in sorted((each for (each,) in granted), key=lambda each: (-each.starts_at, each.id))
    ]
    assert len(every) == len(granted) == await ports.register.licenses() == 12
    for most in (1, 5, 12):
        holders, last = [], None
        while found := await ports.register.newest_licensees(most, last):
            holders += found
            last = found[-1]
        licenses, behind = [], None
        while listed := await ports.register.newest_licenses(most, behind):
            licenses += listed
            behind = listed[-1][0]
        assert (holders, licenses) == ([*every], [*granted]), most
    counts = await ports.register.standings()
    assert {word: counts[word] for word in [*Standing][:2]} == dict.fromkeys([*Standing][:2], 6)


async def test_licensees_and_clients_come_back_as_they_were(ports, make):
    (one, client), (two, other) = make.enrolled(1, "Zeta"), make.enrolled(2, "Alpha", Standing.QUARANTINED)
    await ports.register.add_licensee(one, client)
    await ports.register.add_licensee(two, other)
    assert await ports.register.licensees() == (two, one)
    assert await ports.register.licensee("le_1") == one
    assert await ports.register.client("cl_2") == (other, two)
    assert await ports.register.licensee("le_9") is None
    assert await ports.register.client("cl_9") is None


async def test_a_place_is_kept_beside_the_rest(ports, make):
    licensee, client = make.enrolled(1)
    await ports.register.add_licensee(licensee, client)
    assert licensee.seat == ""
    said = await ports.register.set_place("le_1", "DE", "")
    assert (said, said.seat) == (replace(licensee, country="DE"), "")
    seen = await ports.register.set_place("le_1", "DE", "register entry 7")
    assert await ports.register.licensee("le_1") == seen
    assert (seen.seat, seen.name, seen.standing) == ("DE", licensee.name, licensee.standing)
    assert await ports.register.set_place("le_9", "DE", "x") is None


async def test_an_id_is_given_once_and_the_attempt_leaves_nothing(ports, make):
    one, client = make.enrolled(1)
    await ports.register.add_licensee(one, client)
    with pytest.raises(ValueError, match="le_1"):
        await ports.register.add_licensee(one, replace(client, id="cl_2"))
    two, _ = make.enrolled(2)
    with pytest.raises(ValueError, match="cl_1"):
        await ports.register.add_licensee(two, replace(client, licensee="le_2"))
    with pytest.raises(ValueError, match="cl_3"):
        await ports.register.add_licensee(two, replace(client, id="cl_3"))
    assert await ports.register.licensees() == (one,)


async def test_a_license_comes_back_with_every_lever(ports, make):
    await ports.register.add_licensee(*make.enrolled())
    license = make.license_of("lic_1")
    assert await ports.register.grant(license) == license
    found = await ports.register.license("lic_1")
    assert found == license
    assert found.terms.hash == make.TERMS.hash
    bare = replace(
        make.license_of("lic_2"), budget=Budget(None, 7), crawlers=frozenset(), starts_at=make.NOW + 5
    )
    await ports.register.grant(bare)
    assert await ports.register.licenses_of("le_1") == (bare, license)
    assert await ports.register.licenses_of("le_2") == ()
    assert await ports.register.license("lic_9") is None


async def test_of_many_equal_agreements_at_once_one_is_kept(ports, make):
    await ports.register.add_licensee(*make.enrolled())
    wanted = [make.license_of(f"lic_{n}", starts_at=make.NOW + n % 2) for n in range(50)]
    granted = await asyncio.gather(*(ports.register.grant(license) for license in wanted))
    assert len({license.id for license in granted}) == 1
    assert len(await ports.register.licenses_of("le_1")) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"site": "blog"},
        {"budget": Budget(1_000_001, None)},
        {"budget": Budget(None, None)},
        {"crawlers": frozenset()},
        {"starts_at": 1_795_000_000 + 86_400, "ends_at": 1_795_000_000 + 2 * 86_400},
    ],
)
async def test_another_agreement_is_another_license(ports, make, other):
    await ports.register.add_licensee(*make.enrolled())
    await ports.register.grant(make.license_of("lic_1"))
    assert (await ports.register.grant(make.license_of("lic_2", **other))).id == "lic_2"


@pytest.mark.parametrize("budget", [Budget(None, None), Budget(None, 7), Budget(7, None), Budget(7, 7)])
async def test_the_same_agreement_is_found_again_whatever_its_budget(ports, make, budget):
    await ports.register.add_licensee(*make.enrolled())
    await ports.register.grant(make.license_of("lic_1", budget=budget))
    assert (await ports.register.grant(make.license_of("lic_2", budget=budget))).id == "lic_1"


async def test_other_terms_are_another_license_and_another_offer_name_is_not(ports, make):
    await ports.register.add_licensee(*make.enrolled())
    await ports.register.grant(make.license_of("lic_1"))
    assert (await ports.register.grant(make.license_of("lic_2", offer="x", policy="y"))).id == "lic_1"
    terms = replace(make.TERMS, territory=Territory(None))
    assert (await ports.register.grant(make.license_of("lic_2", terms=terms))).id == "lic_2"


async def test_a_revoked_license_is_not_granted_again(ports, make):
    await ports.register.add_licensee(*make.enrolled())
    await ports.register.grant(make.license_of("lic_1"))
    await ports.register.revoke("license", "lic_1", make.NOW)
    assert (await ports.register.grant(make.license_of("lic_2"))).id == "lic_2"


@pytest.mark.parametrize("given", [tuple, list, set, frozenset])
async def test_a_license_that_is_spent_is_not_granted_again(ports, make, given):
    await ports.register.add_licensee(*make.enrolled())
    first = await ports.register.grant(make.license_of("lic_1"))
    assert await ports.register.grant(make.license_of("lic_2"), spent=given(["lic_0"])) == first
    second = make.license_of("lic_2")
    assert await ports.register.grant(second, spent=given(["lic_1"])) == second
    assert (await ports.register.grant(make.license_of("lic_3"), spent=given(["lic_1"]))) == second
    assert (await ports.register.grant(make.license_of("lic_3"), spent=given(["lic_2"]))) == first
    third = make.license_of("lic_3")
    assert await ports.register.grant(third, spent=given(["lic_1", "lic_2"])) == third
    # It stays on file, and its id its own.
    assert {license.id for license in await ports.register.licenses_of("le_1")} == {"lic_1", "lic_2", "lic_3"}
    with pytest.raises(ValueError, match="lic_1"):
        await ports.register.grant(first, spent=given(["lic_1", "lic_2", "lic_3"]))


async def test_of_many_who_replace_a_spent_license_at_once_one_is_kept(ports, make):
    await ports.register.add_licensee(*make.enrolled())
    await ports.register.grant(make.license_of("lic_0"))
    wanted = [make.license_of(f"lic_{n}", starts_at=make.NOW + n % 2) for n in range(1, 21)]
    granted = await asyncio.gather(*(ports.register.grant(license, spent=["lic_0"]) for license in wanted))
    (kept,) = {license.id for license in granted}
    assert {license.id for license in await ports.register.licenses_of("le_1")} == {"lic_0", kept}


async def test_a_license_needs_its_licensee_and_an_id_of_its_own(ports, make):
    with pytest.raises(ValueError, match="le_1"):
        await ports.register.grant(make.license_of("lic_1"))
    await ports.register.add_licensee(*make.enrolled())
    await ports.register.grant(make.license_of("lic_1"))
    with pytest.raises(ValueError, match="lic_1"):
        await ports.register.grant(make.license_of("lic_1", site="blog"))


async def test_revoking_covers_what_it_names(ports, make):
    register = ports.register
    await register.revoke("token", "jti-1", make.NOW, until=make.NOW + 600)
    await register.revoke("license", "lic_2", make.NOW)
    await register.revoke("client", "cl_3", make.NOW)
    await register.revoke("licensee", "le_4", make.NOW)
    found = await register.revocations()
    assert found.covers(token(make.NOW))
    assert not found.covers(token(make.NOW, token_id="jti-2"))
    assert found.covers(token(make.NOW, token_id="jti-2", license="lic_2"))
    for holder in ({"client": "cl_3"}, {"licensee": "le_4"}):
        assert found.covers(token(make.NOW, token_id="jti-2", **holder))
        assert not found.covers(token(make.NOW + 1, token_id="jti-2", **holder))
    with pytest.raises(ValueError, match="planet"):
        await register.revoke("planet", "x", make.NOW)


async def test_revoking_twice_changes_nothing_and_later_reaches_further(ports, make):
    register = ports.register
    await register.revoke("client", "cl_1", make.NOW)
    once = await register.revocations()
    await register.revoke("client", "cl_1", make.NOW)
    await register.revoke("client", "cl_1", make.NOW - 50)
    assert await register.revocations() == once
    await register.revoke("client", "cl_1", make.NOW + 50)
    assert (await register.revocations()).covers(token(make.NOW + 50))


async def test_a_revoked_token_is_forgotten_only_after_it_would_have_expired(ports, make):
    register = ports.register
    await register.revoke("token", "short", make.NOW, until=make.NOW + 600)
    await register.revoke("token", "forever", make.NOW)
    await register.revoke("token", "x", make.NOW + 600, until=make.NOW + 9999)
    assert (await register.revocations()).tokens == {"short", "forever", "x"}
    await register.revoke("token", "x", make.NOW + 601, until=make.NOW + 9999)
    assert (await register.revocations()).tokens == {"forever", "x"}


async def test_suspending_stops_every_token_and_lifting_lets_later_ones_stand(ports, make):
    register = ports.register
    await register.add_licensee(*make.enrolled(standing=Standing.QUARANTINED))
    approved = await register.set_standing("le_1", Standing.ACTIVE, make.NOW)
    assert approved.standing is Standing.ACTIVE
    assert not (await register.revocations()).covers(token(make.NOW - 100))
    suspended = await register.set_standing("le_1", Standing.SUSPENDED, make.NOW)
    assert suspended.standing is Standing.SUSPENDED
    assert await register.licensee("le_1") == suspended
    # Whatever slips out while it is suspended does not stand either.
    for issued_at in (make.NOW - 100, make.NOW, make.NOW + 40):
        assert (await register.revocations()).covers(token(issued_at))
    await register.set_standing("le_1", Standing.ACTIVE, make.NOW + 50)
    after = await register.revocations()
    assert [after.covers(token(make.NOW + seconds)) for seconds in (-100, 40, 49, 50, 51)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert await register.set_standing("le_9", Standing.ACTIVE, make.NOW) is None


async def test_a_client_changes_whole_and_goes_with_its_tokens(ports, make):
    licensee, client = make.enrolled(1)
    await ports.register.add_licensee(licensee, client)
    changed = replace(
        client, secret_sha256="", signs=True, metadata='{"jwks_uri":"https://labs.example/k"}', access_sha256="a" * 64,
        older_sha256=client.secret_sha256, older_until=make.NOW + 9, contacts=("ops@labs.example",),
    )  # fmt: skip
    assert await ports.register.change_client(changed) is True
    assert await ports.register.client("cl_1") == (changed, licensee)
    assert await ports.register.change_client(replace(changed, id="cl_9")) is False
    assert await ports.register.change_client(replace(changed, licensee="le_9")) is False
    assert await ports.register.client("cl_1") == (changed, licensee)
    assert await ports.register.remove_client("cl_1", make.NOW, make.NOW + 600) is True
    assert await ports.register.remove_client("cl_1", make.NOW, make.NOW + 600) is False
    assert await ports.register.client("cl_1") is None
    assert await ports.register.licensee("le_1") == licensee
    revoked = await ports.register.revocations()
    assert revoked.covers(token(make.NOW))
    assert not revoked.covers(token(make.NOW + 1))
    await ports.register.revoke("token", "jti-9", make.NOW + 601)
    assert (await ports.register.revocations()).holders == (), "forgotten once its tokens have expired"


async def test_a_license_is_suspended_for_each_cause_once_and_resumed_when_all_are_lifted(ports, make):
    register = ports.register
    await register.add_licensee(*make.enrolled())
    await register.grant(make.license_of("li_1"))
    assert not await register.suspend("li_9", "du_1", "Late.", 10), "there is no such license"
    assert not await register.resume("li_1", "du_1", 10), "nothing stands"
    put = await asyncio.gather(*(register.suspend("li_1", "du_1", "Late.", 10 + nth) for nth in range(8)))
    assert put.count(True) == 1
    assert await register.suspend("li_1", "owner", "By hand.", 20)
    assert (await register.revocations()).suspended == (("li_1", "Late."),)
    assert await register.resume("li_1", "du_1", 30)
    assert not await register.resume("li_1", "du_1", 31)
    assert (await register.revocations()).suspended == (("li_1", "By hand."),)
    assert await register.resume("li_1", "owner", 32)
    assert (await register.revocations()).suspended == ()
    assert await register.suspend("li_1", "du_1", "Late again.", 40)
    history = [(each.cause, each.said, each.lifted_at) for each in await register.suspensions("li_1")]
    assert history == [("du_1", "Late.", 30), ("owner", "By hand.", 32), ("du_1", "Late again.", 0)]
    told = [each for each in await happened(ports) if each.subject == "li_1"]
    assert [each.type for each in told] == [
        "license.suspended", "license.suspended", "license.resumed", "license.resumed", "license.suspended",
    ]  # fmt: skip
    assert len({each.id for each in told}) == 5


async def test_a_license_that_is_suspended_still_shuts_others_out(ports, make):
    for number in (1, 2):
        await ports.register.add_licensee(*make.enrolled(number))
    terms = replace(make.TERMS, exclusivity=Exclusivity(True))
    sole = make.license_of("li_1", terms=terms)
    await ports.register.grant(sole)
    await ports.register.suspend("li_1", "owner", "x", 10)
    assert await ports.register.grant(make.license_of("li_9", terms=terms)) == sole
    other = make.license_of("li_2", licensee="le_2")
    assert isinstance(await ports.register.in_the_way(other), Conflict)


async def test_what_happened_is_kept_with_a_license_that_is_new_and_with_no_other(ports, make):
    await ports.register.add_licensee(*make.enrolled(1))
    first, same = make.license_of("li_1", offer=""), make.license_of("li_2", offer="")
    assert await ports.register.grant(first, events=issued(first, make.NOW)) == first
    assert await ports.register.grant(same, events=issued(same, make.NOW)) == first
    assert (await ports.happened()).count("license.issued") == 1
