"""`python -m shared.platform.health`: exit 0 when this container's service answers `/readyz`, else 1."""

import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    """Ask the service on its own port."""
    url = f"http://127.0.0.1:{os.environ.get('HTTP_PORT', '8000')}/readyz"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return 0 if answer.status == 200 else 1
    except (OSError, urllib.error.URLError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
