"""Every write and every sync failed once: the answer is "not now", and after a restart all is whole."""

from __future__ import annotations

import pytest

from loadtests.faults.failing import ERRORS, PLACES, Trigger, failing, short_run
from loadtests.faults.shop import Said
from loadtests.faults.table import told
from loadtests.faults.verdict import judge

CASES = [(place, name) for place in PLACES for name in ERRORS if name == "EIO" or "sync" not in place]


async def calls(tmp_path, place: str) -> int:
    """How often *place* is called in a run that nothing happens to."""
    trigger, said = Trigger(), Said()
    with failing(place, trigger) as disk:
        assert await short_run(tmp_path / "whole", said, disk) == []
    assert len(said.entries) == 7
    return trigger.calls


async def every(tmp_path, place: str, name: str, step: int) -> tuple[int, list[str]]:
    """Fail every *step*-th call of *place* in a run of its own; how many, and what was not whole after it."""
    wrong, done = [], 0
    total = await calls(tmp_path, place)
    assert total >= 3
    for at in range(1, total + 1, step):
        data, said, trigger = tmp_path / f"{at}", Said(), Trigger(at, ERRORS[name])
        with failing(place, trigger) as disk:
            answers = await short_run(data, said, disk)
        found = await judge(data, said, files=step == 1)
        done += 1
        if trigger.calls < at:
            continue  # the last of them belonged to a rest, such as a timer's
        if not found.clean:
            wrong.append(f"{place} {at} of {total}: {answers}, then {found}")
    return done, wrong


@pytest.mark.parametrize(("place", "name"), CASES)
async def test_a_failure_is_answered_and_leaves_nothing_behind(tmp_path, place, name):
    total = await calls(tmp_path / "count", place)
    done, wrong = await every(tmp_path, place, name, max(2, total // 9))
    told(f"{place}, k-th failed", done, wrong=len(wrong))
    assert wrong == []


@pytest.mark.night
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("place", "name"), CASES)
async def test_every_failure_is_answered_and_leaves_nothing_behind(tmp_path, place, name, capsys):
    done, wrong = await every(tmp_path, place, name, 1)
    told(f"{place}, k-th failed", done, wrong=len(wrong))
    with capsys.disabled():
        print(f"\n{place}, {name}: failed at each of {done} calls, {len(wrong)} wrong")
    assert wrong == []


@pytest.mark.parametrize("place", ["database write", "journal write"])
async def test_a_disk_that_lies_is_found_out(tmp_path, place):
    """The control: the same runs over a disk that says "done" and did nothing."""
    found, total = [], await calls(tmp_path, place)
    # Most of what the database does not get the journal gives it again: looked for until some of it was found.
    for at in range(2, total, max(2, total // 24)):
        data, said = tmp_path / f"{at}", Said()
        with failing(place, Trigger(at, lying=True)) as disk:
            await short_run(data, said, disk)
        verdict = await judge(data, said, files=False)
        if not verdict.clean:
            found.append(str(verdict))
            break
    assert found
    told(f"{place}, k-th failed", control=f"a disk that lies: found at call {at} of {total}")
