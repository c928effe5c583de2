"""The command line of every service: `python -m services.<name> [serve | migrate | dead-letters ...]`."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn
from uuid import UUID

import structlog
import uvloop

from shared.delivery import dead_letter
from shared.delivery.consumer import Consumer
from shared.platform.database import Database, is_transient, open_database
from shared.platform.errors import EnishiError, NotFound
from shared.platform.service import Service
from shared.platform.settings import BadSettings

log: Final = structlog.stdlib.get_logger(__name__)

BAD_SETTINGS: Final = 2  # exit code


def main(service: Service[Any]) -> NoReturn:
    """Run one command and exit: 0 done, 1 failed, 2 wrong use or settings. Failures that we expect are one line."""
    arguments = _parser(service).parse_args()
    try:
        settings = service.settings.from_env()
    except BadSettings as error:
        sys.exit(_complain(service, error, BAD_SETTINGS))
    try:
        uvloop.run(_run(service, settings, arguments))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if arguments.command in (None, "serve"):
            log.critical("service.failed", exc_info=error)
            sys.exit(1)
        if isinstance(error, EnishiError) or is_transient(error):
            sys.exit(_complain(service, error, 1))
        raise
    sys.exit(0)


def _complain(service: Service[Any], error: Exception, code: int) -> int:
    print(f"{service.name}: {str(error) or type(error).__name__}", file=sys.stderr)
    return code


def _parser(service: Service[Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m services.{service.name}", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("serve", help="run the service (the default)")
    commands.add_parser("migrate", help="bring the database's schema up to date")
    letters = commands.add_parser("dead-letters", help="list, show, replay or discard records that were put aside")
    letters.set_defaults(run=_dead_letters(service))
    letters.add_argument("action", choices=["list", "show", "replay", "discard"])
    letters.add_argument("id", nargs="*", type=UUID, help="dead letters; replay takes none for all")
    letters.add_argument("--topic", help="only those of one topic")
    letters.add_argument("--limit", type=int, default=100)
    service.commands(commands)
    return parser


async def _run(service: Service[Any], settings: Any, arguments: argparse.Namespace) -> None:
    if arguments.command in (None, "serve"):
        await service.serve(settings)
    elif arguments.command == "migrate":
        for name in await service.migrate(settings):
            print(f"applied {name}")
    else:
        async with open_database(settings.database_url, name=f"{service.name} command", connections=2) as database:
            await arguments.run(settings, database, arguments)


def _dead_letters(service: Service[Any]) -> Any:
    async def run(settings: Any, database: Database, arguments: argparse.Namespace) -> None:
        async with database.connection() as connection:
            limit = None if arguments.id else arguments.limit
            letters = await dead_letter.listed(connection, topic=arguments.topic, ids=arguments.id or None, limit=limit)
        if missing := set(arguments.id) - {letter.id for letter in letters}:
            raise NotFound(f"no dead letter {', '.join(str(each) for each in sorted(missing))}")
        if arguments.action in ("list", "show"):
            for letter in letters:
                print(dead_letter.as_json(letter, with_value=arguments.action == "show").decode())
        elif arguments.action == "discard":
            if not arguments.id:
                raise EnishiError("discard needs the ids of the dead letters to give up")
            async with database.transaction() as tx:
                print(f"discarded {await dead_letter.remove(tx, arguments.id)}")
        else:
            print(f"replayed {await replay(service, settings, database, letters)} of {len(letters)}")

    return run


async def replay(
    service: Service[Any], settings: Any, database: Database, letters: Sequence[dead_letter.DeadLetter]
) -> int:
    """Process dead letters again, here and now; return how many went through. One that fails again stays."""
    consumer = Consumer(service.name, database, service.handlers(settings))
    done = 0
    for letter in letters:
        if await consumer.replay(letter):
            done += 1
    return done
