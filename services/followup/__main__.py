"""Run follow-up: `python -m services.followup`."""

from services.followup.app import SERVICE
from shared.platform.command import main

main(SERVICE)
