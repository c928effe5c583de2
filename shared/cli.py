"""`enishi`: the operator's command line, one word in front of what each module runs by itself.

enishi topics [--check]                    create what the catalogue names
enishi <service> [serve|migrate|...]       a service, or one of its commands
enishi local up | kafka | postgres         the stack without Docker
enishi demo                                a whole gathering, played through the public doors
"""

import runpy
import sys
from typing import Final

from shared.contracts.catalogue import SERVICES

MODULES: Final = {
    "topics": "shared.contracts.topics",
    "local": "deploy.local",
    "demo": "deploy.demo",
    **{service: f"services.{service}" for service in SERVICES},
}


def main() -> None:
    """Run the module that the first word names, with the rest of the words."""
    if len(sys.argv) < 2 or sys.argv[1] not in MODULES:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    module = MODULES[sys.argv.pop(1)]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
