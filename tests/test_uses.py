from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.uses import Use, closure, covers, parse_use

some = st.frozensets(st.sampled_from(list(Use)))


def test_every_use_reads_back_and_nothing_else_does() -> None:
    assert all(parse_use(use.value) is use for use in Use)
    assert [parse_use(text) for text in ("AI-TRAIN", "all", "train-ai", "", "ai_train")] == [None] * 5


@given(some, some, some)
def test_granting_more_never_covers_less(
    granted: frozenset[Use], more: frozenset[Use], asked: frozenset[Use]
) -> None:
    if covers(granted, asked):
        assert covers(granted | more, asked)


@given(some, some)
def test_asking_for_less_is_still_covered_unless_it_is_nothing(
    granted: frozenset[Use], asked: frozenset[Use]
) -> None:
    for use in asked:
        if covers(granted, asked):
            assert covers(granted, frozenset({use}))
    assert not covers(granted, frozenset())


def test_training_includes_fine_tuning_and_not_the_other_way() -> None:
    assert covers(frozenset({Use.AI_TRAIN}), frozenset({Use.FINE_TUNE}))
    assert not covers(frozenset({Use.FINE_TUNE}), frozenset({Use.AI_TRAIN}))
    assert closure(frozenset({Use.SEARCH})) == {Use.SEARCH}
