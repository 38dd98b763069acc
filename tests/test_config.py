from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import read_config
from gateway.problems import ConfigurationError


def test_an_empty_folder_has_defaults_and_listens_on_loopback(tmp_path: Path) -> None:
    config = read_config(tmp_path)
    assert (config.listen.host, config.dashboard.host) == ("127.0.0.1", "127.0.0.1")
    assert config.database == tmp_path / "licet.db"


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    (tmp_path / "licet.toml").write_text(
        '[listen]\nport = 1\nhost = "0.0.0.0"\n[trust]\nproxies = ["loopback"]\n'
    )
    environ = {
        "LICET_LISTEN_PORT": "2",
        "LICET_TRUST_PROXIES": "10.0.0.0/8, loopback",
        "LICET_TEST_DATA": "/x",
    }
    config = read_config(tmp_path, environ=environ, flags={"listen.port": 3, "listen.host": None})
    assert config.listen.port == 3
    assert config.listen.host == "0.0.0.0"
    assert config.trust.proxies == ("10.0.0.0/8", "loopback")
    assert read_config(tmp_path, environ=environ).listen.port == 2
    assert read_config(tmp_path).listen.port == 1


def test_every_mistake_is_told_at_once_with_its_source(tmp_path: Path) -> None:
    (tmp_path / "licet.toml").write_text('[listen]\nport = 70000\ncolour = "red"\n[nonsense]\n')
    with pytest.raises(ConfigurationError) as caught:
        read_config(tmp_path, environ={"LICET_STORE_RESERVE_MB": "many"}, flags={"dashboard.port": -1})
    told = {(Path(mistake.file).name, mistake.key) for mistake in caught.value.mistakes}
    assert told == {
        ("licet.toml", "listen.port"),
        ("licet.toml", "listen.colour"),
        ("licet.toml", "nonsense"),
        ("environment LICET_STORE_RESERVE_MB", "store.reserve_mb"),
        ("--dashboard-port", "dashboard.port"),
    }


@pytest.mark.parametrize("content", [b"[listen\n", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_one_clear_mistake(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "licet.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"licet\.toml"):
        read_config(tmp_path)


def test_how_many_workers_is_a_key_and_a_flag(tmp_path: Path) -> None:
    assert read_config(tmp_path).workers.count == 1
    (tmp_path / "licet.toml").write_text("[workers]\ncount = 3\n")
    assert read_config(tmp_path).workers.count == 3
    assert read_config(tmp_path, flags={"workers.count": 2}).workers.count == 2
    with pytest.raises(ConfigurationError, match=r"--workers: workers\.count"):
        read_config(tmp_path, flags={"workers.count": 0})


def test_certificates_are_named_by_host(tmp_path: Path) -> None:
    assert not read_config(tmp_path).tls.on
    (tmp_path / "licet.toml").write_text(
        '[tls]\nminimum = "1.3"\n[[tls.hosts]]\nnames = ["a.example", "*.b.example"]\ncertificate = "a.crt"\nkey = "a.key"\n'
    )
    tls = read_config(tmp_path, environ={"LICET_TLS_MINIMUM": "1.2"}).tls
    assert (tls.on, tls.minimum, tls.hosts[0].names) == (True, "1.2", ("a.example", "*.b.example"))
    (tmp_path / "licet.toml").write_text(
        '[tls]\nminimum = "1.1"\n[[tls.hosts]]\nnames = ["*.*.b.example", "ok.example"]\n[[tls.hosts]]\nnames = []\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        read_config(tmp_path)
    assert {mistake.key for mistake in caught.value.mistakes} == {
        "tls.minimum",
        "tls.hosts.0.names.0",
        "tls.hosts.1.names",
    }


def test_the_origin_may_be_told_the_address_by_the_proxy_protocol(tmp_path: Path) -> None:
    assert read_config(tmp_path).origin.proxy_protocol == "off"
    assert read_config(tmp_path, environ={"LICET_ORIGIN_PROXY_PROTOCOL": "v2"}).origin.proxy_protocol == "v2"
    with pytest.raises(ConfigurationError, match=r"origin\.proxy_protocol"):
        read_config(tmp_path, environ={"LICET_ORIGIN_PROXY_PROTOCOL": "v3"})


def test_signature_settings_are_checked(tmp_path: Path) -> None:
    environ = {"LICET_SIGNATURES_PINNED": "https://a.example=a.json, https://b.example=b.json"}
    assert read_config(tmp_path, environ=environ).signatures.pinned == (
        "https://a.example=a.json",
        "https://b.example=b.json",
    )
    (tmp_path / "licet.toml").write_text(
        '[signatures]\nlongest = 0\ndirectories = "some"\npinned = ["a.json"]\nexempt = ["localhost"]\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        read_config(tmp_path)
    assert [mistake.key for mistake in caught.value.mistakes] == [
        "signatures.longest",
        "signatures.directories",
        "signatures.pinned.0",
        "signatures.exempt.0",
    ]


def test_what_is_asked_of_others_can_be_stopped(tmp_path: Path) -> None:
    config = read_config(tmp_path)
    assert (config.feeds.update, config.feeds.hours, config.dns.check, config.dns.servers) == (
        True,
        24,
        True,
        (),
    )
    environ = {
        "LICET_FEEDS_UPDATE": "false",
        "LICET_FEEDS_HOURS": "6",
        "LICET_DNS_SERVERS": "192.0.2.53, [::1]:53",
    }
    (tmp_path / "licet.toml").write_text("[dns]\ncheck = false\n")
    config = read_config(tmp_path, environ=environ)
    assert (config.feeds.update, config.feeds.hours, config.dns.check) == (False, 6, False)
    assert config.dns.servers == ("192.0.2.53", "[::1]:53")
    with pytest.raises(ConfigurationError):
        read_config(tmp_path, environ={"LICET_FEEDS_HOURS": "0"})


def test_where_the_sites_own_proxy_asks_is_an_address_and_a_port(tmp_path: Path) -> None:
    assert read_config(tmp_path).listen.auth == ""
    for text, at in {"127.0.0.1:8404": ("127.0.0.1", 8404), "[::1]:1": ("::1", 1)}.items():
        assert read_config(tmp_path, environ={"LICET_LISTEN_AUTH": text}).listen.auth_at == at
    for text in ("8404", "::1:1", "127.0.0.1", "a:b", "127.0.0.1:8404\n"):
        with pytest.raises(ConfigurationError, match=r"listen\.auth"):
            read_config(tmp_path, environ={"LICET_LISTEN_AUTH": text})


def test_where_redis_is_may_be_a_flag_and_is_not_quoted_where_it_is_wrong(tmp_path: Path) -> None:
    assert read_config(tmp_path, flags={"store.redis": "embedded"}).store.redis == "embedded"
    with pytest.raises(ConfigurationError) as caught:
        read_config(tmp_path, flags={"store.redis": "redis://ada:hunter2@redis.example"})
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.key) == ("--redis", "store.redis")
    assert "redis_password_file" in str(mistake)
    assert "hunter2" not in str(mistake)
