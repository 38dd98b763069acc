import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.paths import PathScope
from gateway.terms.license_terms import WORLDWIDE, Basis, Purpose, Scope, Territory
from gateway.terms.odrl_duties import OdrlUnread
from gateway.terms.odrl_permission import (
    actions_of,
    moment,
    read_limits,
    read_purpose,
    read_scope,
    target_of,
    where,
)
from gateway.uses import Use

YEAR = {"leftOperand": "elapsedTime", "operator": "lteq", "rightOperand": "P12M"}


@given(
    st.builds(
        Purpose,
        uses=st.frozensets(st.sampled_from(list(Use))),
        redistribution=st.booleans(),
        sublicensing=st.booleans(),
        model_release=st.sampled_from(["none", "closed", "open"]),
        resale=st.booleans(),
        internal_research=st.booleans(),
        evaluation=st.booleans(),
    )
)
def test_rights_are_permitted_or_prohibited_and_come_back(purpose):
    granted, withheld = actions_of(purpose)
    assert not {*granted} & {*withheld}
    assert read_purpose({"action": granted}, [{"action": withheld}]) == purpose
    assert read_purpose({"action": [*granted, *withheld]}, {"action": withheld}) == purpose


def test_open_weights_alone_are_not_taken_for_a_release():
    assert read_purpose({"action": "licet:release-open-weights"}, None).model_release == "none"


def test_a_scope_comes_back_with_what_is_cut_out():
    scope = Scope(("essays",), (PathScope("/essays/"),), ("page", "scan"), (PathScope("/essays/*.pdf"),))
    assert read_scope(target_of("https://journal.example", scope)) == scope


@pytest.mark.parametrize("regions", [None, ["EU"], ["DE", "US"], []])
@pytest.mark.parametrize("basis", list(Basis))
def test_a_territory_comes_back(regions, basis):
    territory = WORLDWIDE if regions is None else Territory(frozenset(regions), basis)
    assert read_limits([YEAR, *where(territory)]).territory == territory


def test_a_moment_is_told_in_utc_and_read_back():
    bounds = [{"leftOperand": "dateTime", "operator": "gteq", "rightOperand": moment(1_790_000_000)}]
    assert bounds[0]["rightOperand"] == {"@value": "2026-09-21T14:13:20Z", "@type": "xsd:dateTime"}
    assert read_limits([YEAR, *bounds]).starts_at == 1_790_000_000


@pytest.mark.parametrize(
    "limits",
    [
        [],
        [{**YEAR, "operator": "gt"}],
        [{**YEAR, "rightOperand": "P1Y"}],
        [YEAR, {"leftOperand": "count", "operator": "lteq", "rightOperand": "0"}],
        [
            YEAR,
            {
                "leftOperand": "spatial",
                "operator": "isNoneOf",
                "rightOperand": {"@id": "urn:licet:iso3166:US"},
            },
        ],
        [
            YEAR,
            {
                "leftOperand": "spatial",
                "operator": "isAnyOf",
                "rightOperand": {"@id": "urn:licet:iso3166:US"},
            },
        ],
        [YEAR, "at night"],
        [YEAR, {"leftOperand": "dateTime", "operator": "lt", "rightOperand": "2027-01-01T00:00:00"}],
        [YEAR, {"leftOperand": "dateTime", "operator": "lt", "rightOperand": "some day"}],
        [YEAR, {"leftOperand": "dateTime", "operator": "lt", "rightOperand": ["2027-01-01T00:00:00Z"] * 2}],
    ],
)
def test_limits_that_are_not_understood_are_said_to_be(limits):
    with pytest.raises((OdrlUnread, ValueError)):
        read_limits(limits)
