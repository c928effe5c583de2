"""`python -m deploy.demo`: start everything, play a gathering, show what happened, stop everything."""

import argparse
import asyncio
import re
import shutil
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from deploy.demo import tally
from deploy.demo.platform import Platform, Refused
from deploy.demo.story import Told, play
from deploy.local.places import ROOT, StackError
from deploy.local.processes import run
from deploy.local.stack import Stack

SMALL = 60  # rows; one person registers twice
LARGE = 410  # rows, so that 403 different people come, as many as the sensors of the whole stream saw
BAR = 28  # characters
ToldT = TypeVar("ToldT")


async def key_for(stack: Stack, name: str) -> str:
    """Make a partner as an operator does, and return its API key."""
    command = [sys.executable, "-m", "services.registration", "partner", "create", "--name", name]
    env = {**stack.replicas["registration-0"].env, "KAFKA_BOOTSTRAP_SERVERS": "not-needed-here"}
    printed = await run("partner create", command, env)
    match = re.search(r"enishi_live_\w+", printed)
    if match is None:
        raise StackError(f"no key was printed: {printed}")
    return match[0]


def main() -> int:
    """0: played, and all counts agree; 1: something failed or differs."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--large", action="store_true", help="403 people and the whole contact stream")
    parser.add_argument("--stay", action="store_true", help="keep everything up afterwards, until Ctrl-C")
    parser.add_argument("--data", type=Path, default=ROOT / ".local" / "demo", help="where data, logs and report go")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.data, ignore_errors=True)
    try:
        return asyncio.run(_demo(arguments.data, LARGE if arguments.large else SMALL, stay=arguments.stay))
    except (StackError, Refused, TimeoutError) as error:
        print(f"\nfailed: {error}\nlogs: {arguments.data}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


async def _demo(data: Path, guests: int, *, stay: bool) -> int:
    started = time.monotonic()
    _tell(0.0, "starting Kafka, PostgreSQL and four services")
    stack = Stack(data)
    await stack.start()
    up = time.monotonic() - started
    try:
        key = await key_for(stack, "Demo platform")
        platform = Platform({name: stack.url(name) for name in stack.services}, key)
        try:
            everybody = {"no_show": 0.0} if guests == LARGE else {}
            told = await _while_up(stack, play(platform, guests, _tell, **everybody))
            _tell(0.95, "counting")
            agreements = await tally.agree(platform, told)
            counts = await tally.topics(stack.brokers.bootstrap_servers) if stack.brokers else []
            pages = [
                ("the report", "report.ja.html", told.report_url),
                ("in English", "report.en.html", f"{told.report_url}?lang=en"),
                ("somebody's evening", "evening.html", told.evening_url),
                ("their follow-ups", "followups.html", told.followup_url),
                ("the seating board", "board.html", told.board_url),
                ("name badges", "badges.pdf", f"{told.board_url}/badges.pdf"),
                ("table sheets", "tables.pdf", f"{told.board_url}/tables.pdf"),
            ]
            for _, file, url in pages:
                (data / file).write_bytes(await platform.get_page(url))
        finally:
            await platform.close()
        _tell(1.0, "done")
        _show(told, counts, agreements)
        print(
            f"\nThe stack was up after {up:.1f} s; the whole demo took {time.monotonic() - started:.1f} s.\n\nlook at"
        )
        for name, file, url in pages:
            print(f"  {name:<20}{url if stay else data / file}")
        print(f"  {'logs and data':<20}{data}", flush=True)
        if stay:
            print("\nto follow the guides in another terminal: KEY, ENISHI by service, KAFKA_BOOTSTRAP_SERVERS")
            print(f"  {'KEY':<20}{key}")
            for service in stack.services:
                print(f"  {service:<20}{stack.url(service)}")
            print(f"  {'Kafka':<20}{stack.brokers.bootstrap_servers if stack.brokers else ''}")
            print("\nCtrl-C stops everything", flush=True)
            await _while_up(stack, asyncio.Event().wait())
        print("\nTo use these pages: make demo-stay")
    finally:
        await stack.stop()
    return 0 if all(each.holds for each in agreements) and not any(count.dead for count in counts) else 1


async def _while_up(stack: Stack, story: Coroutine[Any, Any, ToldT]) -> ToldT:
    """Play the story; when a service ends by itself, say so at once instead of waiting for it."""
    playing = asyncio.ensure_future(story)
    try:
        while not (await asyncio.wait([playing], timeout=0.5))[0]:
            stack.check()
        return playing.result()
    finally:
        playing.cancel()


def _tell(share: float, what: str) -> None:
    filled = round(BAR * share)
    line = f"[{'#' * filled}{'.' * (BAR - filled)}] {what}"
    end = "\n" if share >= 1 else ""
    print(
        f"\r{line:<90}" if sys.stderr.isatty() else line,
        file=sys.stderr,
        end=end or ("" if sys.stderr.isatty() else "\n"),
    )
    sys.stderr.flush()


def _show(told: Told, counts: list[tally.TopicCount], agreements: list[tally.Agreement]) -> None:
    proof = told.plan.get("proof") or {}
    print(f"\n{'topic':<20}{'records':>9}{'keys':>8}{'dead letters':>14}")
    for count in counts:
        print(f"{count.topic:<20}{count.records:>9}{count.keys:>8}{count.dead:>14}")
    print("\nwhat each service did")
    print(f"  registration  {told.rows} rows in, {told.registered} people, {told.attended} checked in")
    print(
        f"  matching      {proof.get('people')} people at tables and on lists: {proof.get('value')} points (at most"
        f" {proof.get('bound')} if there were no tables), {len(proof.get('violations', []))} rules broken; planned anew for the"
        f" {(told.replan.get('proof') or {}).get('people')} who came;"
        f" {told.sensor_rows} sensor rows became {len(told.meetings)} meetings and {told.notes} notes"
    )
    print(f"  followup      {told.outcomes} outcomes, {told.thanked} thanks")
    print(f"  survey        {told.answers} answers, one report")
    print("\ncounts agree")
    for each in agreements:
        print(f"  {'yes' if each.holds else 'NO '}  {each.what}: {each.accepted} = {each.effects}")


if __name__ == "__main__":
    sys.exit(main())
