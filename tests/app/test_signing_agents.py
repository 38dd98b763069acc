from __future__ import annotations

import pytest

from gateway.app.signing_agents import check_signatures, egress_of, heard, own_agent, signatures_of, told
from gateway.config import Config
from gateway.egress import Fetched, Unfetched
from gateway.evidence import NOTHING
from gateway.policy.reading import default_policy
from gateway.policy.rules import Mode
from gateway.problems import ConfigurationError
from gateway.settings import Signatures
from gateway.visitors.catalog import Catalog


async def nobody(url: str) -> Fetched | Unfetched:
    raise AssertionError(f"{url} is not fetched here")


def test_an_answer_crosses_a_channel_unchanged() -> None:
    import json

    for answer in (
        Unfetched("timeout", "more than 2 s"),
        Fetched("https://a.example/", (("x", "1"), ("x", "é")), bytes(range(256))),
    ):
        assert heard(json.loads(json.dumps(told(answer)))) == answer


def test_pinned_keys_verify_without_a_fetch(tmp_path, clock, signing) -> None:
    signer = signing.Signer()
    (tmp_path / "bot.json").write_bytes(signing.jwks(signer))
    config = Config(tmp_path, signatures=Signatures(pinned=("https://bot.example=bot.json",)))
    judge, _ = signatures_of(config, Catalog.shipped(), nobody, clock)
    found = judge.finding(signing.Draft(signer).ask(), NOTHING)
    assert found.outcome == "verified"
    assert "sig_directory_pinned" in found.reasons


@pytest.mark.parametrize(
    ("line", "content"),
    [
        ("https://bot.example=absent.json", None),
        ("https://bot.example=bot.json", b"{}"),
        ("https://bot.example=bot.json", b'{"keys": []}'),
        ("https://user@bot.example=bot.json", b'{"keys": []}'),
    ],
)
def test_pinned_keys_that_are_none_stop_the_start(tmp_path, clock, line, content) -> None:
    if content is not None:
        (tmp_path / "bot.json").write_bytes(content)
    config = Config(tmp_path, signatures=Signatures(pinned=(line,)))
    with pytest.raises(ConfigurationError):
        signatures_of(config, Catalog.shipped(), nobody, clock)
    with pytest.raises(ConfigurationError):
        check_signatures(config)


def test_authorities_must_be_readable(tmp_path, clock) -> None:
    with pytest.raises(ConfigurationError):
        egress_of(Config(tmp_path, signatures=Signatures(authorities="ca.pem")), clock, None)
    with pytest.raises(ConfigurationError):
        check_signatures(Config(tmp_path, signatures=Signatures(authorities="ca.pem")))
    check_signatures(Config(tmp_path))


@pytest.mark.parametrize(
    ("public", "hosts", "agent"),
    [
        ("https://journal.example", ("other.example",), "https://journal.example"),
        ("", ("*", "127.0.0.1", "localhost", "*.a.example", "b.example"), "https://b.example"),
        ("http://journal.example", ("*",), ""),
    ],
)
def test_the_first_site_with_a_name_is_who_we_are(tmp_path, public, hosts, agent) -> None:
    from dataclasses import replace

    policy = default_policy("http://127.0.0.1:1", mode=Mode.OBSERVE, stance="search-free-training-paid")
    policy = replace(policy, site=replace(policy.site, public=public, hosts=hosts))
    assert own_agent(Config(tmp_path), (policy,)) == agent
    named = Config(tmp_path, signatures=Signatures(identity="https://me.example"))
    assert own_agent(named, (policy,)) == "https://me.example"
