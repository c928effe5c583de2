"""Run matching: `python -m services.matching [serve | migrate | dead-letters ...]`."""

from services.matching.app import SERVICE
from shared.platform.command import main

if __name__ == "__main__":  # the planner's worker processes import this module again
    main(SERVICE)
