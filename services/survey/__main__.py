"""Run survey: `python -m services.survey [serve | migrate | dead-letters ...]`."""

from services.survey.app import SERVICE
from shared.platform.command import main

if __name__ == "__main__":
    main(SERVICE)
