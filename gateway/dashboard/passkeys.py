"""Passkeys: what a browser is asked for, and whether what it answers proves one (WebAuthn, level 3).

A passkey belongs to one host name and is no secret here: kept are its public
key and a counter. The device has to have verified its user (a finger, a PIN), so
that a passkey alone is as much as a password with a second factor. The library
is optional (``licet[passkeys]``); without it there are none.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.dashboard.people import Passkey, Person

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

#: For how long what was asked can be answered.
CHALLENGE_US: Final = 5 * 60 * 1_000_000
MOST_PASSKEYS: Final = 20
_LONGEST: Final = 16_384
_MOST_CHALLENGES: Final = 256


def available() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("webauthn") is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pages are as the browser sees them: *host* without a port, *origin* with scheme and port."""

    host: str
    origin: str

    @property
    def fit(self) -> bool:
        """Whether a browser makes passkeys here: for a name, not for an address (section 5.1.2, effective domain)."""
        return not (self.host.replace(".", "").isdecimal() or ":" in self.host or not self.host)


class Challenges:
    """What was asked, by the cookie of who was asked: each answered once, and in time."""

    def __init__(self) -> None:
        """Start empty."""
        self._asked: dict[str, tuple[bytes, int]] = {}

    def keep(self, cookie: str, challenge: bytes, now_us: int) -> None:
        """Keep *challenge* in place of the one before."""
        self._asked = {key: each for key, each in self._asked.items() if now_us < each[1]}
        while len(self._asked) >= _MOST_CHALLENGES:
            del self._asked[next(iter(self._asked))]
        self._asked[cookie] = challenge, now_us + CHALLENGE_US

    def take(self, cookie: str, now_us: int) -> bytes | None:
        """The challenge, which is used up by this."""
        challenge, until = self._asked.pop(cookie, (b"", 0))
        return challenge if now_us < until else None


def creation_options(person: Person, place: Place) -> tuple[str, bytes]:
    """What the browser of *person* is asked for a new passkey, as JSON; and the challenge in it."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=place.host,
        rp_name="Licet",
        user_name=person.name,
        user_id=person.id.encode(),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(each for each in person.passkeys if each.host == place.host),
    )
    return webauthn.options_to_json(options), options.challenge


def request_options(place: Place) -> tuple[str, bytes]:
    """What a browser is asked that wants to sign in with whichever passkey it has here; and the challenge in it."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_authentication_options(
        rp_id=place.host, user_verification=structs.UserVerificationRequirement.REQUIRED
    )
    return webauthn.options_to_json(options), options.challenge


def made(answer: str, challenge: bytes, place: Place, name: str, now_us: int) -> Passkey | None:
    """The new passkey that *answer* proves, or None."""
    import webauthn
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.exceptions import WebAuthnException

    if len(answer) > _LONGEST:
        return None
    try:
        found = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        # The library reads nested CBOR of a stranger: some of it fails in ways of its own.
        return None
    return Passkey(
        bytes_to_base64url(found.credential_id),
        bytes_to_base64url(found.credential_public_key),
        found.sign_count,
        place.host,
        name,
        now_us,
    )


def proven(
    answer: str, challenge: bytes, place: Place, people: Iterable[Person]
) -> tuple[Person, Passkey] | None:
    """Whose passkey *answer* proves, with its new counter; None where it proves none."""
    import webauthn
    from webauthn.helpers import base64url_to_bytes, parse_authentication_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    if len(answer) > _LONGEST:
        return None
    try:
        credential = parse_authentication_credential_json(answer)
        found = next(
            (
                (person, passkey)
                for person in people
                for passkey in person.passkeys
                if passkey.id == credential.id and passkey.host == place.host
            ),
            None,
        )
        if found is None:
            return None
        person, passkey = found
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    return person, replace(passkey, count=verified.new_sign_count)


def _descriptors(passkeys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id)) for each in passkeys]
