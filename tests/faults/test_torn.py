"""Files that end anywhere in their last page or record."""

from __future__ import annotations

import pytest

from loadtests.faults.table import told
from loadtests.faults.torn import WHAT, crashed, last_part, tear
from loadtests.faults.verdict import judge

STEPS = dict(zip(WHAT, (1373, 241, 241, 61, 97, 53), strict=True))


@pytest.mark.parametrize("what", WHAT)
async def test_a_torn_file_is_made_whole_or_refused_with_a_sentence(tmp_path, what):
    found = await tear(tmp_path, what, STEPS[what])
    told(f"torn: {what}", found.cuts, wrong=len(found.wrong), whole=found.whole, refused=found.refused)
    assert found.wrong == []
    assert found.cuts >= 3
    if what == "journal, not folded":
        told(f"torn: {what}", last_record_gone=found.last_record_gone)
        assert found.last_record_gone == found.cuts, (
            "the control: an acknowledged record is gone and it shows"
        )
    elif what in {"journal, folded", "signed head"}:
        assert found.refused == found.cuts
    else:
        assert found.whole == found.cuts


@pytest.mark.night
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", WHAT)
async def test_a_file_torn_at_every_offset_is_made_whole_or_refused(tmp_path, what, capsys):
    found = await tear(tmp_path, what, 1)
    told(f"torn: {what}", found.cuts, wrong=len(found.wrong), whole=found.whole, refused=found.refused)
    with capsys.disabled():
        print(f"\n{found}")
    assert found.wrong == []


async def test_without_the_journal_a_torn_write_ahead_log_is_not_made_whole(tmp_path):
    """The control: it is the journal that makes a torn database whole."""
    image, said = await crashed(tmp_path)
    path, begin, _ = last_part(image, "write-ahead log")
    with path.open("r+b") as file:
        file.truncate(begin + 100)
    for each in (image / "journal").iterdir():
        each.unlink()
    found = await judge(image, said)
    # The rows that are left know where the octets stood, and nobody takes them for whole.
    assert "cannot be read from the journal" in found.refused
    told("torn: write-ahead log", control="no journal: refused, and said why")
