"""Every code that anything here can say has its sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.visitors.reasons import REASONS, Bears, known, sentence, split

GATEWAY = Path(__file__).resolve().parents[2] / "gateway"
#: Codes begin like this; a text of the source that does is one, unless it is listed here.
_CODE = re.compile(r"\"((?:ua|ip|sig|rdns|asn|ch_ua|no|accept|header|honeypot|rate|robots|terms|claim|recipe|token|"
                   r"headless)_[a-z_]+)(?::\{[^\"]*)?\"")  # fmt: skip
_OTHERS = {
    "asn_database", "ip_address", "ip_network", "ip_prefix", "no_such_name", "terms_url", "token_endpoint", "token_type",
}  # fmt: skip
MODULES = sorted((GATEWAY / "visitors").glob("*.py"))


def test_no_code_is_without_its_sentence() -> None:
    said = {code for path in MODULES for code in _CODE.findall(path.read_text(encoding="utf-8"))}
    assert {"ip_in", "rdns_ok", "sig_valid", "no_accept", "honeypot_hit", "ua_library"} <= said
    assert said - _OTHERS - set(REASONS) == set()


@pytest.mark.parametrize("code", REASONS)
def test_each_is_a_sentence_with_a_weight(code: str) -> None:
    reason = REASONS[code]
    assert reason.sentence.endswith(".")
    assert reason.sentence[0].isupper()
    assert -1 <= reason.weight <= 1
    assert (reason.bears is Bears.NOTHING) == (reason.weight == 0) or reason.bears is Bears.PROOF
    assert "human" not in reason.sentence


def test_an_argument_stands_in_its_sentence() -> None:
    assert split("ip_list_dated:a@2026-09-02") == ("ip_list_dated", "a@2026-09-02")
    assert sentence("ua_claim:GPTBot") == "Its User-Agent says that it is GPTBot."
    assert known("sig_invalid:expired") is REASONS["sig_invalid"]


def test_a_code_of_another_version_stands_for_itself() -> None:
    assert known("tide_high:3") is None
    assert sentence("tide_high:3") == "tide_high:3"
