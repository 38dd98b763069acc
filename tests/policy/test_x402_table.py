from __future__ import annotations

import pytest

from gateway.policy.reading import read_policy_text
from gateway.policy.rules import Payments
from gateway.policy.x402_terms import X402Terms
from gateway.problems import ConfigurationError

SITE = """
stance = "open"
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:1"
currency = "EUR"
[payments.x402]
facilitator = "https://facilitator.example/x402/"
network = "eip155:8453"
asset = "0x1111111111111111111111111111111111111111"
pay_to = "0x2222222222222222222222222222222222222222"
name = "EURC"
"""


def read(text: str):
    return read_policy_text(text, "journal.toml")


def test_what_is_asked_on_a_chain() -> None:
    policy = read(SITE)
    assert policy.payments.x402 == X402Terms(
        "https://facilitator.example/x402",
        "eip155:8453",
        "0x" + "1" * 40,
        6,
        "0x" + "2" * 40,
        "EURC",
        "2",
        "EUR",
        60,
    )
    plain = read(SITE.partition("[payments.x402]")[0])
    assert plain.payments == Payments()
    assert plain.digest != policy.digest != read(SITE.replace("8453", "84532")).digest


@pytest.mark.parametrize(
    ("line", "key", "sentence"),
    [
        ('facilitator = "ftp://a.example"', "facilitator", "write its address"),
        ('facilitator = "https://a.example/?q=1"', "facilitator", "write its address"),
        ('network = "base"', "network", "name the chain"),
        ('network = "eip155:0"', "network", "name the chain"),
        ('asset = "0x12"', "asset", "forty hex digits"),
        ("pay_to = 7", "pay_to", "forty hex digits"),
        ("decimals = 31", "decimals", "from 0 to 30"),
        ('decimals = "6"', "decimals", "from 0 to 30"),
        ("seconds = 9", "seconds", "from 10 to 3600"),
        ('name = "naïve"', "name", "printable"),
        ('version = ""', "version", "printable"),
        ('pay_too = "0x"', "pay_too", 'did you mean "pay_to"'),
    ],
)
def test_every_mistake_says_what_to_write(line, key, sentence) -> None:
    kept = [each for each in SITE.splitlines() if not each.startswith(f"{key} =")]
    with pytest.raises(ConfigurationError) as raised:
        read("\n".join([*kept, line]))
    assert any(
        mistake.key.endswith(key) and sentence in mistake.expected for mistake in raised.value.mistakes
    ), raised.value.mistakes


def test_a_table_without_an_address_is_none() -> None:
    with pytest.raises(ConfigurationError, match="is missing"):
        read(SITE.replace("pay_to", "# pay_to"))
