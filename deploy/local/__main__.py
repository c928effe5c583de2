"""`python -m deploy.local up`: start the whole system and stay; Ctrl-C stops it and leaves nothing behind."""

import argparse
import asyncio
import shutil
import signal
import sys
import time
from pathlib import Path

from deploy.local import brokers, postgres
from deploy.local.places import ROOT, StackError
from deploy.local.stack import Stack


def main() -> int:
    """0: stopped when asked to; 1: something failed, said in one line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["up", "kafka", "postgres"])
    parser.add_argument("--brokers", type=int, choices=[1, 3], default=1, help="Kafka nodes")
    parser.add_argument("--port-base", type=int, help="first of a row of ports; free ones by default")
    parser.add_argument("--data", type=Path, default=ROOT / ".local" / "up", help="where data and logs lie")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs left")
    arguments = parser.parse_args()
    if arguments.fresh:
        shutil.rmtree(arguments.data, ignore_errors=True)
    try:
        asyncio.run(_run(arguments))
    except StackError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    arguments.data.mkdir(parents=True, exist_ok=True)
    if arguments.what == "kafka":
        base = arguments.port_base
        ports = [base + n for n in range(2 * arguments.brokers)] if base else None
        running = await brokers.start(arguments.data, brokers=arguments.brokers, ports=ports)
        print(f"KAFKA_BOOTSTRAP_SERVERS={running.bootstrap_servers}", flush=True)
        await stop.wait()
        await running.stop()
    elif arguments.what == "postgres":
        server = postgres.server(arguments.data, port=arguments.port_base)
        await server.start()
        print(f"DATABASE_URL={server.admin_url}", flush=True)
        await stop.wait()
        await server.stop()
    else:
        await _up(arguments, stop)


async def _up(arguments: argparse.Namespace, stop: asyncio.Event) -> None:
    stack = Stack(arguments.data, broker_count=arguments.brokers, port_base=arguments.port_base)
    started = time.monotonic()
    starting = asyncio.ensure_future(stack.start())
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait([starting, stopped], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return
    starting.result()
    print(f"up after {time.monotonic() - started:.1f} s; Ctrl-C stops everything\n")
    for replica in stack.replicas.values():
        print(f"  {replica.service:<13} {replica.url:<24} {replica.process.log}")
    print(f"  {'Kafka':<13} {stack.brokers.bootstrap_servers if stack.brokers else ''}")
    print(f"  {'PostgreSQL':<13} {stack.postgres.admin_url}")
    database, kafka = (
        stack.replicas["registration-0"].env["DATABASE_URL"],
        stack.brokers and stack.brokers.bootstrap_servers,
    )
    print(f"\nthe first partner\n  DATABASE_URL={database} KAFKA_BOOTSTRAP_SERVERS={kafka} \\")
    print(f"  {sys.executable} -m services.registration partner create --name me", flush=True)
    try:
        while not stop.is_set():
            stack.check()
            await asyncio.wait([stopped], timeout=0.5)
    finally:
        await stack.stop()


if __name__ == "__main__":
    sys.exit(main())
