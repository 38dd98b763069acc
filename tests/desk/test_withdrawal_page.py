"""The page of a notice: what it is, what to do, what cannot be promised; and nothing private."""

from __future__ import annotations

from gateway.desk.withdrawal_page import notice_page
from gateway.licenses.withdrawal import USUAL, Withdrawal, readmitted

ONE = Withdrawal(
    "wd_0a", "journal", USUAL, 1_795_000_000, 1, "the <owner>", ("essays",), reason="<b>asked</b>", private="phoned",
    licensee="le_1",
)  # fmt: skip


def test_it_says_what_to_do_and_what_cannot_be_promised():
    page = notice_page(ONE, "https://j.example/<x>")
    for said in ("wd_0a", "ai-train", "acknowledgment", "cannot be reached from here", "not legal advice"):
        assert said in page
    for secret in ("<x>", "asked", "phoned", "le_1", "owner>"):
        assert secret not in page
    assert "Readmitted" not in page
    after = readmitted(ONE, 1_795_000_100)
    assert after is not None
    assert "Readmitted" in notice_page(after, "https://j.example")
