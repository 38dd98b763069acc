"""Who may see what, until when: nothing outside the scope, whatever is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.auditors import AUDITOR_PREFIX, AuditorError, invite, month_of

SCOPE = {"licensee": "le_1", "site": "", "first": "2026-10", "last": "2026-12", "days": 30, "now": 1000}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"licensee": ""}, "one licensee, one site"),
        ({"first": "2026-13"}, "months"),
        ({"first": "2027-01"}, "earlier one first"),
        ({"last": ""}, "months"),
        ({"last": "2026-12\n"}, "months"),
        ({"days": 0}, "1 to 366 days"),
        ({"days": 367}, "1 to 366 days"),
        ({"name": ""}, "printable"),
        ({"name": "a\x1b[31m"}, "printable"),
    ],
)
def test_what_is_no_scope_is_said(changed, why):
    asked = {"name": "Ada", **SCOPE, **changed}
    with pytest.raises(AuditorError, match=why):
        invite(asked.pop("name"), **asked)


def test_the_secret_is_shown_once_and_in_no_repr():
    made = invite("Ada", **SCOPE)
    assert made.secret.startswith(AUDITOR_PREFIX)
    assert made.secret not in repr(made)
    assert made.secret not in repr(made.auditor)
    assert invite("Ada", **SCOPE).secret != made.secret


def test_access_ends_on_the_second():
    auditor = invite("Ada", **SCOPE).auditor
    assert not auditor.ended(auditor.expires_at - 1)
    assert "expired" in auditor.ended(auditor.expires_at)
    assert "revoked" in replace(auditor, revoked_at=1001).ended(1001)


NAMES = st.sampled_from(["", "le_1", "le_2"])
SITES = st.sampled_from(["", "a", "b"])
MONTHS = st.sampled_from(["2026-09", "2026-10", "2026-11", "2026-12", "2027-01"])


@given(NAMES, SITES, NAMES, SITES, MONTHS)
def test_a_scope_covers_what_it_names_and_nothing_else(licensee, site, of, at, month):
    if not licensee and not site:
        return
    auditor = invite("Ada", **{**SCOPE, "licensee": licensee, "site": site}).auditor
    expected = licensee in {"", of} and site in {"", at} and month in {"2026-10", "2026-11", "2026-12"}
    assert auditor.covers(of, at, month) == expected


def test_the_month_is_that_of_utc():
    assert month_of(1_793_491_200_000_000 - 1) == "2026-10"
    assert month_of(1_793_491_200_000_000) == "2026-11"
