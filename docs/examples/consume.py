"""Print follow-up facts: each once, and none about people who were erased. `--once` stops at the present end.

State is in memory and built anew at each start; a service keeps it in its database, with its own effects.
"""

import asyncio
import json
import os
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

here: dict[str, bool] = {}  # registrations: True, or False when erased; a late fact must not bring them back
facts: dict[str, dict[str, Any]] = {}


def show(fact: dict[str, Any]) -> None:
    if here.get(fact["owner"]) and here.get(fact["other"]):  # a fact may come before the registrations it names
        print(fact["owner"], "->", fact["other"], fact.get("kind") or fact["state"], flush=True)


def apply(record: ConsumerRecord[bytes, bytes]) -> None:
    headers, key = dict(record.headers), record.key.decode()
    if headers["ce_type"].decode() != f"enishi.{record.topic}.v1":
        return  # from a newer writer
    if record.topic == "registered":
        about = [name for name, fact in facts.items() if key in (fact["owner"], fact["other"])]
        if record.value is None:  # a tombstone
            here[key] = False
            print("erased", key, "and", len([facts.pop(name) for name in about]), "facts", flush=True)
        elif key not in here:
            here[key] = True
            for name in about:
                show(facts[name])
        return
    fact = json.loads(record.value)
    name = key if "revision" in fact else headers["ce_id"].decode()
    newer = fact.setdefault("revision", 1) > facts.get(name, {"revision": 0})["revision"]
    if newer and False not in (here.get(fact["owner"]), here.get(fact["other"])):
        facts[name] = fact
        show(fact)


async def read(consumer: AIOKafkaConsumer, partitions: set[TopicPartition], *, forever: bool = False) -> None:
    ends = await consumer.end_offsets(partitions)
    while forever or any([await consumer.position(each) < end for each, end in ends.items()]):
        for records in (await consumer.getmany(timeout_ms=500)).values():
            for record in records:
                try:
                    apply(record)
                except (ValueError, KeyError, TypeError, AttributeError) as error:  # put aside, and say where it lies
                    print(type(error).__name__, record.topic, record.partition, record.offset, file=sys.stderr)


async def main() -> None:
    topics, servers = ("registered", "followup-due", "followup-done"), os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    async with AIOKafkaConsumer(*topics, bootstrap_servers=servers, auto_offset_reset="earliest") as consumer:
        partitions = set(consumer.assignment())
        later = {each for each in partitions if each.topic != "registered"}
        consumer.pause(*later)
        await read(consumer, partitions - later)  # first who is here and who was erased, then what is said of them
        consumer.resume(*later)
        await read(consumer, partitions, forever="--once" not in sys.argv)


asyncio.run(main())
