"""Create the catalogue's topics, and say what differs: `python -m shared.contracts.topics [--check]`.

Automatic creation stays off, so that a misspelt topic is an error and not a topic.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from shared.contracts.catalogue import KafkaTopic, kafka_topics

PATIENCE: Final = 60.0  # seconds that a broker may take to come up
COPIES: Final = 3  # replicas of each partition, or as many as there are brokers
IN_SYNC: Final = 2  # replicas that must hold a record before it is acknowledged, where there are three


@dataclass(frozen=True)
class Outcome:
    """What was done, and what differs from the catalogue. Differences are never mended silently."""

    created: list[str]
    differences: list[str]


async def ensure_topics(
    bootstrap_servers: str,
    *,
    topics: Sequence[KafkaTopic] | None = None,
    create: bool = True,
) -> Outcome:
    """Create what is missing, wait until it has leaders, and compare what was there. Raises `KafkaError`."""
    wanted = {topic.name: topic for topic in topics or list(kafka_topics())}
    admin = await _connect(bootstrap_servers)
    try:
        brokers = len((await admin.describe_cluster())["brokers"])
        existing = set(await admin.list_topics())
        missing = [topic for name, topic in wanted.items() if name not in existing]
        if missing and create:
            await _create(admin, missing, min(COPIES, brokers))
            await _await_leaders(admin, list(wanted))
        known = [topic for name, topic in wanted.items() if name in existing]
        differences = await _differences(admin, known)
        if not create:
            differences += [f"{topic.name} is missing" for topic in missing]
        return Outcome([topic.name for topic in missing] if create else [], sorted(differences))
    finally:
        await admin.close()


async def _connect(bootstrap_servers: str) -> AIOKafkaAdminClient:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, client_id="enishi-topics")
        try:
            await admin.start()
        except KafkaError:
            await admin.close()
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return admin


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[KafkaTopic], copies: int) -> None:
    # On new clusters the broker's min.insync.replicas is ignored in favour of the topic's.
    durable = {"min.insync.replicas": str(IN_SYNC)} if copies >= COPIES else {}
    response = await admin.create_topics(
        [NewTopic(topic.name, topic.partitions, copies, topic_configs={**topic.config, **durable}) for topic in topics],
        timeout_ms=30_000,
    )
    for name, code, *_ in response.topic_errors:
        if code not in (0, 36):  # 36: somebody else created it meanwhile
            raise KafkaError(f"topic {name} could not be created: error {code}")


async def _await_leaders(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            described = await admin.describe_topics(list(names))
            partitions = [each for topic in described if not topic["error_code"] for each in topic["partitions"]]
            complete = all(not topic["error_code"] for topic in described) and len(described) == len(names)
            if complete and all(each["leader"] >= 0 for each in partitions):
                return
            await asyncio.sleep(0.05)


async def _differences(admin: AIOKafkaAdminClient, topics: Sequence[KafkaTopic]) -> list[str]:
    if not topics:
        return []
    found: list[str] = []
    described = {topic["topic"]: topic for topic in await admin.describe_topics([topic.name for topic in topics])}
    for topic in topics:
        count = len(described[topic.name]["partitions"])
        if count != topic.partitions:
            found.append(f"{topic.name} has {count} partitions instead of {topic.partitions}")
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    wanted = {topic.name: topic.config for topic in topics}
    for response in await admin.describe_configs(resources):
        for _, _, _, name, entries in response.resources:
            actual = {entry[0]: entry[1] for entry in entries}
            found += [
                f"{name} has {key}={actual.get(key)} instead of {value}"
                for key, value in wanted[name].items()
                if actual.get(key) != value
            ]
    return found


def main() -> int:
    """0: all is as the catalogue says; 1: something differs or Kafka is away; 2: no address given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="create nothing, only compare")
    arguments = parser.parse_args()
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if not servers:
        print("topics: KAFKA_BOOTSTRAP_SERVERS: not set", file=sys.stderr)
        return 2
    try:
        outcome = asyncio.run(ensure_topics(servers, create=not arguments.check))
    except (KafkaError, TimeoutError) as error:
        print(f"topics: {servers}: {error}", file=sys.stderr)
        return 1
    print(f"topics: {len(outcome.created)} created, {len(outcome.differences)} differ")
    for line in outcome.differences:
        print(f"  {line}", file=sys.stderr)
    return 1 if outcome.differences else 0


if __name__ == "__main__":
    sys.exit(main())
