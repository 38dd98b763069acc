"""The parts behind the pages of the first run."""

from __future__ import annotations

from gateway.app.visiting import FrontVisits
from gateway.config import Config
from gateway.dashboard.policy_shelf import PolicyFiles
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.setup_pages import Setup
from gateway.licenses.license import Standing
from gateway.licenses.register import LicenseRegister


def setup_of(config: Config, files: PolicyFiles, access_log: AccessLog, register: LicenseRegister) -> Setup:
    """What the pages of the first run work on."""

    async def payable() -> bool:
        if any(each.payments.x402 is not None for each in files.policies) or config.stripe.secret_key_file:
            return True
        return any(each.standing is Standing.ACTIVE for each in await register.licensees())

    return Setup(config.sites, files, FrontVisits(config.folder, access_log), payable)
