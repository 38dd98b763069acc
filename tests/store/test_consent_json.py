"""Consents come back as they were; what is damaged is none."""

from __future__ import annotations

import pytest

from gateway.licenses.consent import Answer, Consent
from gateway.problems import StoreUnavailable
from gateway.store.consent_json import read_consent, write_consent
from gateway.uses import Use

ONE = Consent("co_1", "journal", "essays", "Ada Ü", 1, "a" * 64, 5, True, ((Use.TDM, Answer.DECLINE, 7),), 3)


def test_they_come_back_as_they_were():
    assert read_consent(write_consent(ONE)) == ONE


@pytest.mark.parametrize("text", ["", "[]", write_consent(ONE).replace("decline", "odd")])
def test_what_is_damaged_is_told(text):
    with pytest.raises(StoreUnavailable):
        read_consent(text)
