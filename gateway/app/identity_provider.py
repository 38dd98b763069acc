"""The provider that people may sign in by, as ``[oidc]`` has it, with the way out to it."""

from __future__ import annotations

from gateway import __version__
from gateway.app.provider import read_secret
from gateway.config import Config
from gateway.dashboard.oidc import Provider
from gateway.dashboard.permissions import Role
from gateway.egress import Egress
from gateway.problems import ConfigurationError, Mistake


def identity_provider(config: Config) -> Provider | None:
    """None where no issuer is named. Raises `ConfigurationError` with every mistake in what is."""
    told = config.oidc
    if not told.issuer:
        return None
    place, mistakes = str(config.folder / "licet.toml"), []
    if not told.client_id:
        mistakes.append(Mistake(place, "oidc.client_id", "name the client that the provider knows us by"))
    if not told.roles:
        mistakes.append(Mistake(place, "oidc.roles", "say who may sign in, and as what"))
    key = "oidc.client_secret_file"
    secret = (
        read_secret(config.folder, key, told.client_secret_file, mistakes) if told.client_secret_file else ""
    )
    if mistakes:
        raise ConfigurationError(mistakes)
    authorities = config.signatures.authorities
    way = Egress(
        exempt=told.exempt,
        authorities=config.folder / authorities if authorities else None,
        agent=f"licet/{__version__}",
        plain=True,
    )
    roles = {name.lower(): Role(role) for name, role in told.roles.items()}
    return Provider(told.issuer, told.client_id, secret, told.name, roles, way)
