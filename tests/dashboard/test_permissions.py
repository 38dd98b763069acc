"""The table of roles: what each may do, and that no address of the dashboard is missing from it."""

from __future__ import annotations

import inspect

import pytest

from gateway.dashboard import permissions
from gateway.dashboard.permissions import ALLOWED, ROUTES, Permission, Role, may, wanted
from gateway.dashboard.rooms import Rooms
from gateway.dashboard.routes import dashboard_app
from gateway.dashboard.sessions import Sessions

P = Permission
OPEN = {
    "GET /sign-in/oidc",
    "POST /sign-in/oidc",
    "GET /sign-in/oidc/callback",
    "POST /sign-in/passkey",
    "POST /sign-in/passkey/options",
    "GET /sign-in",
    "POST /sign-in",
    "POST /sign-out",
    "GET /healthz",
    "GET /static",
}


class Anything:
    """Stands for whatever a page works on: addresses are registered without asking it anything."""

    def __getattr__(self, name):
        return Anything()

    def __call__(self, *_args, **_named):
        return Anything()


def routes(tmp_path, clock):
    """METHOD and pattern of every address of a dashboard that has every room."""
    every = {name: Anything() for name in inspect.signature(Rooms).parameters}
    app = dashboard_app(
        Anything(), Sessions(tmp_path / "operator.json", clock), hosts=(), status=dict, who=Anything(),
        clock=clock, rooms=Rooms(**every),
    )  # fmt: skip
    found = {f"{route.method} {route.resource.canonical}" for route in app.router.routes()}
    return {each for each in found if not each.startswith("HEAD ") and "/api/" not in each}


def test_every_address_of_the_dashboard_has_its_permission_and_nothing_else_has(tmp_path, clock):
    found = routes(tmp_path, clock)
    assert found - OPEN - ROUTES.keys() == set(), "say in permissions.ROUTES what each of these wants"
    assert ROUTES.keys() - found == set(), "permissions.ROUTES names addresses that there are no more"


def test_every_permission_is_wanted_somewhere():
    assert set(Permission) - set(ROUTES.values()) == set()


@pytest.mark.parametrize("key", sorted(ROUTES))
def test_who_may_only_read_is_never_let_into_a_change(key):
    changes = key.startswith("POST ") and ROUTES[key] not in {P.SELF, P.VIEWS_OWN, P.ADDRESS_SEE}
    readers = [role for role in (Role.VIEWER, Role.AUDITOR) if may(role, ROUTES[key])]
    assert not (changes and readers)
    assert may(Role.OWNER, ROUTES[key])


def test_each_role_holds_what_it_is_for_and_no_more():
    assert ALLOWED[Role.OWNER] == frozenset(Permission)
    assert ALLOWED[Role.AUDITOR] < ALLOWED[Role.VIEWER] < ALLOWED[Role.OPERATOR] < ALLOWED[Role.OWNER]
    for role in (Role.OPERATOR, Role.VIEWER, Role.AUDITOR):
        assert not ALLOWED[role] & {P.FLOOR_SEE, P.PEOPLE_CHANGE, P.KEYS_CHANGE, P.POLICY_CHANGE}
    assert [role for role in Role if may(role, P.ADDRESS_SEE)] == [Role.OWNER, Role.OPERATOR]
    assert {each for each in ALLOWED[Role.VIEWER] if each.endswith(".change")} == set()
    assert not ALLOWED[Role.AUDITOR] & {P.DEALS_READ, P.POLICY_READ, P.CONSENT_READ, P.WORTH_READ}


def test_what_the_table_does_not_name_is_the_owners_alone():
    assert wanted("POST", "/nowhere") is None
    assert [role for role in Role if may(role, None)] == [Role.OWNER]
    assert wanted("HEAD", "/log") is P.LOG_READ
    assert "gateway.clock" not in vars(permissions)
