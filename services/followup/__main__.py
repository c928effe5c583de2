"""Run follow-up: `python -m services.followup [serve | migrate | bounce | dead-letters ...]`."""

from services.followup.app import SERVICE
from shared.platform.command import main

if __name__ == "__main__":
    main(SERVICE)
