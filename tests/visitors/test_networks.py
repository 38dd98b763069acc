"""Published networks: lookups, neighborhoods, and feeds that are refused."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.problems import ConfigurationError
from gateway.visitors.networks import Networks, parse_address

SHIPPED = Networks.shipped()
GOOD = """
operator = "New"
source = "https://new.example/ips.json"
checked = 2026-09-02
complete = true
max_age_days = 7
prefixes = ["66.249.64.0/27", "2001:4860:4801::/64"]
"""


def read(tmp_path: Path, text: str) -> Networks:
    (tmp_path / "new.toml").write_text(text, encoding="utf-8")
    return Networks.read(tmp_path)


@pytest.mark.parametrize(
    ("address", "lists"),
    [
        ("66.249.64.1", ("new",)),
        ("66.249.64.32", ()),
        ("::ffff:66.249.64.1", ("new",)),
        ("2001:4860:4801::1", ("new",)),
        ("2001:4860:4801:1::1", ()),
        ("", ()),
        ("nonsense", ()),
        ("66.249.64.1:80", ()),
        ("fe80::1%eth0", ()),
    ],
)
def test_lookups(tmp_path: Path, address: str, lists: tuple[str, ...]) -> None:
    assert read(tmp_path, GOOD).lists_of(address) == lists


def test_every_list_that_holds_an_address_is_found(tmp_path: Path) -> None:
    (tmp_path / "wide.toml").write_text(GOOD.replace("66.249.64.0/27", "66.249.64.0/19"), encoding="utf-8")
    networks = read(tmp_path, GOOD)
    assert networks.lists_of("66.249.64.1") == ("new", "wide")
    assert networks.lists_of("66.249.65.1") == ("wide",)


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1)
    | st.sampled_from([int(p.network_address) for p in SHIPPED.lists["googlebot"].prefixes if p.version == 4])
)
def test_the_index_agrees_with_a_scan(value: int) -> None:
    address = ip_address(value)
    scan = sorted(
        each.name
        for each in SHIPPED.lists.values()
        if any(address in prefix for prefix in each.prefixes if prefix.version == 4)
    )
    assert list(SHIPPED.lists_of(str(address))) == scan


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert parse_address(text) is None or SHIPPED.lists_of(text) is not None
    assert SHIPPED.is_near("googlebot", text) in {True, False}


def test_a_neighborhood_is_the_same_sixteen(tmp_path: Path) -> None:
    networks = read(tmp_path, GOOD)
    assert networks.is_near("new", "66.249.200.1")
    assert not networks.is_near("new", "66.250.0.1")
    assert networks.is_near("new", "2001:4860:ffff::1")
    assert not networks.is_near("new", "2001:4861::1")
    assert not networks.is_near("other", "66.249.200.1")


def test_age_is_counted_in_whole_days_from_midnight(tmp_path: Path) -> None:
    known = read(tmp_path, GOOD).lists["new"]
    assert known.is_fresh(known.checked_at + 7 * 86_400)
    assert not known.is_fresh(known.checked_at + 7 * 86_400 + 1)
    assert known.is_fresh(known.checked_at - 86_400)


@pytest.mark.parametrize(
    "prefix",
    [
        "10.0.0.0/24", "127.0.0.0/24", "192.168.1.0/24", "169.254.0.0/24", "192.0.2.0/24", "224.0.0.0/24", "240.0.0.0/24",
        "0.0.0.0/0", "66.0.0.0/8", "2001:db8::/32", "::1/128", "fc00::/24", "2000::/3", "66.249.64.1/27", "word", "",
    ],
)  # fmt: skip
def test_a_poisoned_feed_is_refused(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, GOOD.replace("66.249.64.0/27", prefix))
    assert {mistake.key for mistake in caught.value.mistakes} == {"prefixes[0]"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("max_age_days = 7", "max_age_days = 4000"),
        ("complete = true", 'complete = "perhaps"'),
        ("https://", "http://"),
        ("checked = 2026-09-02", ""),
        ("complete = true", "complete = true\nextra = 1"),
        ("prefixes", "= ="),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, before: str, after: str) -> None:
    with pytest.raises(ConfigurationError):
        read(tmp_path, GOOD.replace(before, after))


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        Networks.read(tmp_path)


def test_own_prefixes_join_one_list_and_change_nothing_else(tmp_path: Path) -> None:
    networks = read(tmp_path, GOOD)
    wider = networks.with_prefixes("new", ["127.0.0.7/32", "fd00::/8"])
    assert wider.lists_of("127.0.0.7") == ("new",)
    assert wider.lists_of("fd00::7") == ("new",)
    assert networks.lists_of("127.0.0.7") == ()
    assert not wider.is_near("new", "127.0.0.8")
    assert wider.with_prefixes("new", ["10.0.0.0/8"]).lists_of("127.0.0.7") == ("new",)


@pytest.mark.parametrize(
    ("name", "prefix"), [("nobody", "10.0.0.0/8"), ("new", "ten"), ("new", "10.0.0.1/8")]
)
def test_wrong_own_prefixes_are_refused(tmp_path: Path, name: str, prefix: str) -> None:
    with pytest.raises(ConfigurationError):
        read(tmp_path, GOOD).with_prefixes(name, [prefix])


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("googlebot", 400),
        ("openai-gptbot", 400),
        ("openai-chatgpt-user", 2),
        ("anthropic", 7),
        ("bingbot", 7),
    ],
)
def test_shipped_lifetimes(name: str, days: int) -> None:
    assert SHIPPED.lists[name].max_age_days == days
    assert SHIPPED.lists[name].complete


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("googlebot", "acv_google-googlebot.json"),
        ("openai-gptbot", "acv_openai-gptbot.json"),
        ("openai-chatgpt-user", "acv_openai-chatgpt-user.json"),
        ("anthropic", "vb_claudebot--0.json"),
    ],
)
def test_shipped_prefixes_are_the_published_ones(shared_data: Path, name: str, file: str) -> None:
    published = json.loads((shared_data / "ip_ranges" / file).read_text(encoding="utf-8"))
    texts = [text for row in published["prefixes"] for text in row.values()]
    assert set(SHIPPED.lists[name].prefixes) == {ip_network(text) for text in texts}
