"""How a process comes to share: settings that are wrong are said, a server that is away is none."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.app import spreading
from gateway.app.spreading import begun, rules_of
from gateway.clock import SystemClock
from gateway.config import read_config
from gateway.problems import ConfigurationError


def settings(folder: Path, text: str = "", **environ: str):
    (folder / "licet.toml").write_text(f"[store]\n{text}")
    return read_config(
        folder, environ={f"LICET_STORE_{name.upper()}": each for name, each in environ.items()}
    )


async def test_without_a_server_there_is_nothing_to_share(tmp_path) -> None:
    assert rules_of(settings(tmp_path)) is None
    assert await begun(settings(tmp_path), SystemClock()) is None
    assert rules_of(settings(tmp_path, 'redis = "embedded"')) is None, "no gateway runs that has one"


def test_what_the_settings_say_arrives(tmp_path, certify) -> None:
    certificate, _ = certify("redis.example", folder=tmp_path)
    (tmp_path / "secret").write_text("pass word\n".replace(" ", "-"))
    (tmp_path / "secret").chmod(0o600)
    found = rules_of(
        settings(
            tmp_path,
            f'redis = "rediss://ada@redis.example:7000/2"\nredis_password_file = "secret"\n'
            f'redis_authorities = "{certificate.name}"\nredis_name = "two"\nredis_seconds = 0.5\n',
        )
    )
    assert (found.at.nodes, found.at.tls, found.at.database) == ((("redis.example", 7000),), True, 2)
    assert (found.at.user, found.password, found.name, found.seconds) == ("ada", "pass-word", "two", 0.5)
    assert found.authorities == str(tmp_path / certificate.name)
    assert "pass-word" not in repr(found)
    by_environment = settings(tmp_path, redis="redis://redis.example", redis_password="s3cret")
    assert rules_of(by_environment).password == "s3cret"
    assert "s3cret" not in repr(by_environment)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('redis = "redis://:hunter2@redis.example"', "store.redis"),
        ('redis = "redis://ada:hunter2@redis.example:1/0"', "store.redis"),
        ('redis = "unix://ada:hunter2@/run/redis.sock"', "store.redis"),
        ('redis = "http://hunter2.example"', "store.redis"),
        ('redis = "redis://hunter2:99999"', "store.redis"),
        ('redis = "redis://hunter2/x"', "store.redis"),
        ("redis = 6379", "store.redis"),
        ('redis_name = "Two Words"', "store.redis_name"),
        ("redis_seconds = 0", "store.redis_seconds"),
        ("redis_seconds = 60", "store.redis_seconds"),
        (f'redis_password = "hunter2{"x" * 2000}"', "store.redis_password"),
        ('database = "mysql://root:hunter2@db.example"', "store.database"),
    ],
)
def test_a_wrong_value_is_named_and_a_password_never_quoted(tmp_path, text, key) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(tmp_path, text)
    (mistake,) = caught.value.mistakes
    assert (Path(mistake.file).name, mistake.key) == ("licet.toml", key)
    assert "hunter2" not in str(mistake)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('redis_password_file = "nowhere"', ("nowhere",)),
        ('redis_password_file = "open"', ("chmod 600",)),
        ('redis_password_file = "open"\nredis_password = "x"', ("say the password once", "chmod 600")),
        ('redis_authorities = "open"', ("PEM", "rediss")),
        ('redis_authorities = "nowhere"', ("PEM", "rediss")),
    ],
)
def test_files_that_are_wrong_are_all_said(tmp_path, text, said) -> None:
    (tmp_path / "open").write_text("secret\n")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(ConfigurationError) as caught:
        rules_of(settings(tmp_path, f'redis = "redis://redis.example"\n{text}'))
    assert len(caught.value.mistakes) == len(said)
    told = "\n".join(map(str, caught.value.mistakes))
    assert all(each in told for each in said)


async def test_a_server_that_is_away_does_not_keep_a_process_from_starting(tmp_path) -> None:
    config = settings(tmp_path, f'redis = "unix://{tmp_path}/nowhere.sock"')
    shares = await begun(config, SystemClock())
    try:
        assert not shares.line.up
        assert await shares.marks.taken("m", "r", 60) is None
        pace = shares.license_pace(config)
        assert pace.wait("lic_1", time.time_ns() // 1000) == 0
        desk = shares.desk_pace()
        assert [desk.registering("203.0.113.9", 0) for _ in range(6)] == [0] * 5 + [60]
        objections = desk.limits("objections", 1 / 600, 5)
        assert [objections.wait("203.0.113.0/24", 0) for _ in range(6)] == [0] * 5 + [600]
        assert shares.payment_pace().wait("203.0.113.0/24", 0) == 0
    finally:
        await shares.close()


async def test_what_stands_out_is_said(monkeypatch) -> None:
    said = []
    monkeypatch.setattr(spreading, "log", SimpleNamespace(warning=lambda *_, **told: said.append(told)))
    from gateway.store.redis.looking import Noted

    spreading.say_what_stands_out([Noted("ok", "fine"), Noted("bad", "old", "buy another")])
    assert said == [{"fact": "old", "step": "buy another"}]
    await asyncio.sleep(0)
