"""What the settings say of the payment provider, made into parts."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config import Config
from gateway.problems import ConfigurationError, Mistake
from gateway.rails.stripe_checkout import verifier


@dataclass(frozen=True, slots=True)
class Provider:
    """Stripe's address, the secret key, and the check of what it signs. The repr hides the key."""

    api: str
    key: str = field(repr=False)
    verify: Callable[[bytes, str], None]


def provider_of(config: Config) -> Provider | None:
    """Stripe as *config* has it, or None where nobody pays in there.

    Raises `ConfigurationError` for a secret that is missing or that others may
    read, and where Stripe's library is not installed.
    """
    settings = config.stripe
    if not settings.secret_key_file and not settings.webhook_secret_file:
        return None
    mistakes: list[Mistake] = []
    key = read_secret(config.folder, "stripe.secret_key_file", settings.secret_key_file, mistakes)
    webhook = read_secret(config.folder, "stripe.webhook_secret_file", settings.webhook_secret_file, mistakes)
    if mistakes:
        raise ConfigurationError(mistakes)
    try:
        return Provider(settings.api, key, verifier(webhook))
    except ModuleNotFoundError:
        place = str(config.folder / "licet.toml")
        raise ConfigurationError([Mistake(place, "stripe", "needs pip install 'licet[stripe]'")]) from None


def read_secret(folder: Path, key: str, name: str, mistakes: list[Mistake]) -> str:
    """The one line in the file *name* of *folder*; what is wrong with it is added to *mistakes*, for the setting *key*."""
    if not name:
        mistakes.append(Mistake(str(folder / "licet.toml"), key, "name the file that holds it"))
        return ""
    path = folder / name
    try:
        others = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        mistakes.append(Mistake(str(path), "", f"cannot be read: {why}"))
        return ""
    if others:
        mistakes.append(Mistake(str(path), "", "must be readable by its owner alone (chmod 600)"))
    if not text or not text.isprintable() or " " in text:
        mistakes.append(Mistake(str(path), "", "must hold the secret, in one line"))
    return text
