"""Run registration: `python -m services.registration [serve | migrate | partner | dead-letters ...]`."""

from services.registration.app import SERVICE
from shared.platform.command import main

if __name__ == "__main__":
    main(SERVICE)
