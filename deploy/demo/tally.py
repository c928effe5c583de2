"""The counts behind the demo: what every topic carried, and whether every service agrees with what was accepted."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.demo.platform import Platform, eventually
from deploy.demo.story import Told
from shared.contracts.catalogue import TOPICS, dead_letter_topic


@dataclass(frozen=True)
class TopicCount:
    """Records of a topic, distinct keys among them, and dead letters about it."""

    topic: str
    records: int
    keys: int
    dead: int


@dataclass(frozen=True)
class Agreement:
    """Two counts that must be equal."""

    what: str
    accepted: int
    effects: int

    @property
    def holds(self) -> bool:
        return self.accepted == self.effects


async def topics(bootstrap_servers: str) -> list[TopicCount]:
    """Read every topic from its beginning to its present end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        dead = [dead_letter_topic(name, reader) for name, topic in TOPICS.items() for reader in topic.readers]
        keys = await _keys(consumer, [*TOPICS, *dead])
    finally:
        await consumer.stop()
    return [
        TopicCount(
            name,
            sum(keys[name].values()),
            len(keys[name]),
            sum(sum(keys[dead_letter_topic(name, reader)].values()) for reader in topic.readers),
        )
        for name, topic in TOPICS.items()
    ]


async def _keys(consumer: AIOKafkaConsumer, names: list[str]) -> dict[str, Counter[bytes]]:
    found: dict[str, Counter[bytes]] = {name: Counter() for name in names}
    await consumer._client.set_topics(names)
    partitions = [TopicPartition(name, p) for name in names for p in consumer.partitions_for_topic(name) or ()]
    ends = {each: end for each, end in (await consumer.end_offsets(partitions)).items() if end}
    if not ends:
        return found
    consumer.assign(list(ends))
    await consumer.seek_to_beginning()
    while any([await consumer.position(each) < end for each, end in ends.items()]):
        for partition, records in (await consumer.getmany(timeout_ms=500)).items():
            found[partition.topic].update(record.key for record in records)
    return found


async def agree(platform: Platform, told: Told) -> list[Agreement]:
    """Compare what the platform was told with what the services hold in the end."""

    def compare(metrics: dict[str, Any]) -> list[Agreement]:
        funnel = {step["step"]: step for step in metrics["funnel"]}
        return [
            Agreement(
                "registrations accepted = registrations in survey", told.registered, funnel["registered"]["people"]
            ),
            Agreement("check-ins accepted = attendees in survey", told.attended, funnel["attended"]["people"]),
            Agreement("meetings accepted = meetings in survey", len(told.meetings), funnel["met"]["pairs"]),
            Agreement("survey forms accepted = responses", told.answers, metrics["responses"] or 0),
            Agreement(
                "thank-you drafts due = both sides of every meeting",
                2 * len(told.meetings),
                metrics["followups_due"].get("thank_draft", 0),
            ),
        ]

    async def settled() -> list[Agreement] | None:
        metrics = await platform.call("survey", "GET", f"/gatherings/{told.gathering_id}/metrics")
        found = compare(metrics)
        return found if all(each.holds for each in found) else None

    try:
        return await eventually("agreement", settled, 30)
    except TimeoutError:
        return compare(await platform.call("survey", "GET", f"/gatherings/{told.gathering_id}/metrics"))
