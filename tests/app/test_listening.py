"""What the settings make of the listener: certificates relative to the data folder, and every mistake at once."""

from __future__ import annotations

import pytest

from gateway.app.listening import certificates_of, check_listening, take_up, url_of
from gateway.config import read_config
from gateway.problems import ConfigurationError

SETTINGS = """
[tls]
certificate = "default.crt"
key = "default.key"
[[tls.hosts]]
names = ["b.example", "*.c.example"]
certificate = "tls/b.crt"
key = "tls/b.key"
"""


def test_without_certificates_the_listener_speaks_plain_http(tmp_path):
    config = read_config(tmp_path)
    assert check_listening(config) is None
    assert url_of(config, "::1", 80) == "http://[::1]:80"


def test_paths_are_relative_to_the_data_folder(tmp_path, certify):
    (tmp_path / "licet.toml").write_text(SETTINGS)
    (tmp_path / "tls").mkdir()
    certify("a.example", stem="default")
    certify("b.example", "*.c.example", stem="b", folder=tmp_path / "tls")
    config = read_config(tmp_path)
    held = certificates_of(config).held
    assert [each.covers for each in held] == [("a.example",), ("b.example", "*.c.example")]
    assert url_of(config, "127.0.0.1", 443) == "https://127.0.0.1:443"


def test_every_mistake_is_told_at_once(tmp_path):
    (tmp_path / "licet.toml").write_text(
        SETTINGS + '[listen]\nproxy_protocol = true\n[[tls.hosts]]\nnames = ["d.example"]\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        check_listening(read_config(tmp_path))
    assert [mistake.key for mistake in caught.value.mistakes] == [
        "tls.certificate", "tls.key", "tls.hosts[0].certificate", "tls.hosts[0].key",
        "tls.hosts[1].certificate", "tls.hosts[1].key", "listen.proxy_protocol",
    ]  # fmt: skip
    assert {mistake.file for mistake in caught.value.mistakes} == {str(tmp_path / "licet.toml")}


def test_only_what_changed_or_is_asked_for_is_read_again(tmp_path, certify, capsys):
    (tmp_path / "licet.toml").write_text('[tls]\ncertificate = "a.crt"\nkey = "a.key"\n')
    certify("a.example", stem="a")
    certificates = certificates_of(read_config(tmp_path))
    take_up(None, 0, asked=True)
    take_up(certificates, 0)
    assert capsys.readouterr().out == ""
    take_up(certificates, certificates.held[0].ends, asked=True)
    told = capsys.readouterr().out
    assert "certificates taken up" in told
    assert "clients refuse it" in told
    first = certificates.held
    (tmp_path / "a.key").write_text("no key")
    take_up(certificates, 0)
    assert "the last good one goes on" in capsys.readouterr().out
    assert certificates.held == first
    certify("a.example", stem="a")
    take_up(certificates, certificates.held[0].begins + 1)
    assert certificates.held != first
