from __future__ import annotations

import pytest

from gateway.app.provider import provider_of
from gateway.config import read_config
from gateway.problems import ConfigurationError

SETTINGS = """
[stripe]
secret_key_file = "keys/stripe"
webhook_secret_file = "keys/stripe-webhook"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "licet.toml").write_text(SETTINGS)
    for name, secret in (("stripe", "sk_test_1"), ("stripe-webhook", "whsec_1")):
        path = tmp_path / "keys" / name
        path.touch(0o600)
        path.write_text(f"{secret}\n")
    return tmp_path


def test_without_a_key_nobody_pays_in(tmp_path) -> None:
    assert provider_of(read_config(tmp_path)) is None


def test_the_secrets_are_read_and_not_shown(folder) -> None:
    pytest.importorskip("stripe", reason="PyPI stripe is absent (make .make/dev)")
    provider = provider_of(read_config(folder))
    assert (provider.api, provider.key) == ("https://api.stripe.com", "sk_test_1")
    assert "sk_test_1" not in repr(provider)


def test_every_mistake_is_told_at_once(folder) -> None:
    (folder / "keys" / "stripe").chmod(0o644)
    (folder / "keys" / "stripe-webhook").unlink()
    with pytest.raises(ConfigurationError) as raised:
        provider_of(read_config(folder))
    told = sorted(str(mistake).removeprefix(f"{folder}/") for mistake in raised.value.mistakes)
    assert told == [
        "keys/stripe-webhook: cannot be read: No such file or directory",
        "keys/stripe: must be readable by its owner alone (chmod 600)",
    ]


@pytest.mark.parametrize("content", ["", "\n", "two words", "a\nb"])
def test_a_secret_is_one_word(folder, content) -> None:
    (folder / "keys" / "stripe").write_text(content)
    with pytest.raises(ConfigurationError, match="in one line"):
        provider_of(read_config(folder))


def test_one_secret_without_the_other_is_a_mistake(folder) -> None:
    (folder / "licet.toml").write_text('[stripe]\nsecret_key_file = "keys/stripe"\n')
    with pytest.raises(ConfigurationError, match="webhook_secret_file: name the file"):
        provider_of(read_config(folder))
