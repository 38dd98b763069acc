"""How the public is listened to, as the settings have it: in TLS or not, with which certificates."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from gateway.app.addresses import shown
from gateway.app.timers import log
from gateway.config import Config
from gateway.front.certificates import CertificateFiles, Certificates
from gateway.problems import ConfigurationError, Mistake
from gateway.visitors.client_address import TrustedProxies
from gateway.visitors.territory import OLD_DAYS, Locations

#: How often it is looked whether a certificate was renewed.
LOOK_SECONDS: Final = 60.0


def certificates_of(config: Config) -> Certificates | None:
    """Read every certificate that the settings name; None without TLS.

    Raises `ConfigurationError` with every mistake (`Certificates.read`).
    """
    tls = config.tls
    if not tls.on:
        return None
    files = []
    if tls.certificate or tls.key:
        files.append(CertificateFiles("tls", _at(config, tls.certificate), _at(config, tls.key)))
    for at, host in enumerate(tls.hosts):
        certificate, key = _at(config, host.certificate), _at(config, host.key)
        files.append(CertificateFiles(f"tls.hosts[{at}]", certificate, key, host.names))
    return Certificates.read(str(config.folder / "licet.toml"), files, minimum=tls.minimum)


def check_listening(config: Config) -> Certificates | None:
    """`certificates_of`, and whether the rest of the settings for the listener agrees.

    Raises `ConfigurationError` with every mistake of both.
    """
    mistakes: list[Mistake] = []
    certificates = None
    try:
        certificates = certificates_of(config)
    except ConfigurationError as error:
        mistakes += error.mistakes
    try:
        TrustedProxies.read(config.trust.proxies)
    except ConfigurationError as error:
        mistakes += error.mistakes
    if config.listen.proxy_protocol and not config.trust.proxies:
        expected = "needs trust.proxies: the proxies that send the header"
        mistakes.append(Mistake(str(config.folder / "licet.toml"), "listen.proxy_protocol", expected))
    if mistakes:
        raise ConfigurationError(mistakes)
    return certificates


def locations_of(config: Config) -> Locations:
    """Read the MMDB files that the settings name, and say in the log how old they are.

    Raises `ConfigurationError` with every mistake.
    """
    trust = config.trust
    locations = Locations(_at(config, trust.country_database), _at(config, trust.asn_database))
    tell_age(locations, int(time.time()))
    return locations


def tell_age(locations: Locations, now: int) -> None:
    """Say in the log which location files answer, and which of them are old."""
    for key, edition in locations.editions.items():
        days = edition.age_days(now)
        say = log.warning if days > OLD_DAYS else log.info
        say("a location file answers", setting=f"trust.{key}", edition=edition.basis, days_old=days)


def look_again(locations: Locations, now: int) -> None:
    """Read location files that changed again; the log says what came of it."""
    mistakes = locations.refresh()
    if mistakes is None:
        return
    for mistake in mistakes:
        log.error("a location file was not taken up; the last good one goes on", mistake=mistake)
    if not mistakes:
        tell_age(locations, now)


def take_up(certificates: Certificates | None, now: int, *, asked: bool = False) -> None:
    """Read certificates that changed again, or all when *asked*; the log says what came of it."""
    if certificates is None or not (asked or certificates.changed):
        return
    mistakes = certificates.reload()
    for mistake in mistakes:
        log.error("a certificate was not taken up; the last good one goes on", mistake=str(mistake))
    if not mistakes:
        log.info("certificates taken up", certificates=[each.title for each in certificates.held])
    warn_of(certificates, now)


def warn_of(certificates: Certificates | None, now: int) -> None:
    """Say in the log which certificates a client would refuse now."""
    for each in certificates.held if certificates is not None else ():
        if warning := each.warning(now):
            log.warning("a certificate is of no use", reason=warning)


def url_of(config: Config, host: str, port: int) -> str:
    """The URL of the listener at *host* and *port*."""
    return f"{'https' if config.tls.on else 'http'}://{shown(host)}:{port}"


def _at(config: Config, path: str) -> Path | None:
    return config.folder / path if path else None
