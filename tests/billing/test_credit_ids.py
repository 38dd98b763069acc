"""Names of credits: one for each license, manifest, path and part, and what they name is found again."""

from __future__ import annotations

from itertools import product

from gateway.billing.credit_ids import credit_id, credit_ids, credited_paths
from tests.billing.test_agreed_milestones import BUNDLED, LICENSE


def test_every_part_of_every_work_has_a_name_of_its_own():
    names = {
        credit_id(license, manifest, path, part)
        for license, manifest, path, part in product(
            (BUNDLED,), ("sha-256:m", "sha-256:n"), ("/a", "/b"), ("", "ingestion", "launch")
        )
    }
    assert len(names) == 12
    assert credit_ids(BUNDLED, "sha-256:m", "/a") == (
        credit_id(BUNDLED, "sha-256:m", "/a"), credit_id(BUNDLED, "sha-256:m", "/a", "ingestion"),
    )  # fmt: skip
    # Those of credit notes are told in the note and billed nowhere else; these are billed.
    assert not any(each.startswith("cr_") for each in names)


def test_what_was_credited_is_found_by_its_names():
    there = {credit_id(BUNDLED, "sha-256:m", "/b", "ingestion"), credit_id(BUNDLED, "sha-256:m", "/c")}
    assert credited_paths(BUNDLED, "ingestion", there) == ("/b",)
    assert credited_paths(LICENSE, "ingestion", there) == ()
