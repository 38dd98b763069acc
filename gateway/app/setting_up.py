"""The parts behind the pages of the first run: setup, health, preview, webhooks."""

from __future__ import annotations

from dataclasses import replace

from gateway.app.examiner import Doctor, set_otherwise
from gateway.app.post_room import PostRoom
from gateway.app.told_terms import previewed
from gateway.app.visiting import FrontVisits
from gateway.config import Config
from gateway.dashboard.health_pages import Health
from gateway.dashboard.policy_shelf import PolicyFiles
from gateway.dashboard.preview_pages import Preview
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.rooms import Rooms
from gateway.dashboard.setup_pages import Setup
from gateway.licenses.license import Standing
from gateway.licenses.register import LicenseRegister


def with_first_run(
    rooms: Rooms,
    config: Config,
    files: PolicyFiles,
    access_log: AccessLog,
    register: LicenseRegister,
    post: PostRoom,
) -> Rooms:
    """*rooms*, and the pages of the first run beside them."""
    return replace(
        rooms,
        preview=Preview(files, previewed),
        setup=setup_of(config, files, access_log, register),
        health=Health(Doctor(config.folder), lambda: set_otherwise(config)),
        hooks=post.pages(),
    )


def setup_of(config: Config, files: PolicyFiles, access_log: AccessLog, register: LicenseRegister) -> Setup:
    """What the pages of the first run work on."""

    async def payable() -> bool:
        if any(each.payments.x402 is not None for each in files.policies) or config.stripe.secret_key_file:
            return True
        return any(each.standing is Standing.ACTIVE for each in await register.licensees())

    return Setup(config.sites, files, FrontVisits(config.folder, access_log), payable)
