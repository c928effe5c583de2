"""Every knob of registration; it has none besides the common ones."""

from shared.platform.settings import Settings


class RegistrationSettings(Settings):
    """Settings of the registration service."""
