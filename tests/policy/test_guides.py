from __future__ import annotations

import pytest

from gateway.licenses.pricing_guide import SHIPPED, Span
from gateway.policy.reading import read_guide, read_policy_text
from gateway.problems import ConfigurationError

SITE = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
currency = "EUR"
[[works]]
id = "essays"
paths = ["/"]
rights = "own"
people = "none"
"""


@pytest.fixture
def guide(tmp_path):
    def read(text: str):
        file = tmp_path / "journal.toml"
        file.write_text(SITE + text)
        return read_guide(file)

    return read


def test_without_a_table_the_guide_is_the_shipped_one(guide):
    assert guide("") == guide("[guide]\n") == SHIPPED


def test_every_range_can_be_changed(guide):
    found = guide("""
[guide]
engagement = ["1 %", "1.5 %"]
per_file = ["7", "70 EUR"]
revenue_share = ["2 %", "100 %"]
per_inference = ["0.000001", "0.01"]
file_minutes = 3
length = ["1", "1"]
exclusive = "4.5"
upfront = "25 %"
inference = "75 %"
index = "0 %"
target = "60 %"
""")
    assert (found.engagement, found.revenue_share) == (Span(10_000, 15_000), Span(20_000, 1_000_000))
    assert (found.per_file, found.per_inference) == (Span(7_000_000, 70_000_000), Span(1, 10_000))
    assert (found.file_minutes, found.length) == (3, Span(1_000_000, 1_000_000))
    assert (found.exclusive, found.upfront, found.inference) == (4_500_000, 250_000, 750_000)
    assert (found.index, found.target) == (0, 600_000)


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ('per_file = "5"', "guide.per_file", "in square brackets"),
        ('per_file = ["5"]', "guide.per_file", "in square brackets"),
        ('per_file = ["5", "50", "500"]', "guide.per_file", "in square brackets"),
        ("per_file = [5, 50]", "guide.per_file", "amount in quotes"),
        ('per_file = ["5", "0.0000001"]', "guide.per_file", "at most six decimals"),
        ('per_file = ["-5", "5"]', "guide.per_file", "amount in quotes"),
        ('per_file = ["50", "5"]', "guide.per_file", "cannot be above the second"),
        ('per_file = ["5 USD", "50"]', "guide.per_file", "every amount of this site is in EUR"),
        ('engagement = ["0.5", "2"]', "guide.engagement", "a share in quotes"),
        ('engagement = ["1 %", "101 %"]', "guide.engagement", "at most 100 %"),
        ('revenue_share = ["3 %", "2 %"]', "guide.revenue_share", "cannot be above the second"),
        ('length = ["3", "2"]', "guide.length", "cannot be above the second"),
        ("file_minutes = 0", "guide.file_minutes", "from 1 to 1440"),
        ("file_minutes = true", "guide.file_minutes", "from 1 to 1440"),
        ('exclusive = "0.9"', "guide.exclusive", "cannot cost less"),
        ('exclusiv = "2"', "guide.exclusiv", 'did you mean "exclusive"'),
        ("target = 50", "guide.target", "a share in quotes"),
    ],
)
def test_a_mistake_names_its_key_and_what_to_write(guide, line, key, says):
    with pytest.raises(ConfigurationError) as caught:
        guide(f"[guide]\n{line}\n")
    assert [mistake.key for mistake in caught.value.mistakes] == [key]
    assert says in caught.value.mistakes[0].expected


def test_all_mistakes_are_told_at_once(guide):
    with pytest.raises(ConfigurationError) as caught:
        guide('[guide]\nper_file = ["9", "1"]\nlength = ["2", "1"]\n')
    assert {mistake.key for mistake in caught.value.mistakes} == {"guide.per_file", "guide.length"}


def test_the_digest_leaves_it_out():
    plain = read_policy_text(SITE, "journal.toml")
    guided = read_policy_text(f'{SITE}[guide]\nper_file = ["7.123457", "70"]\n', "journal.toml")
    assert plain.digest == guided.digest
    assert plain == guided
    assert "7.123457" not in repr(guided)
