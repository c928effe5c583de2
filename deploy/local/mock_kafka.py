"""The stand-in where no Kafka jar can be had: librdkafka's mock cluster, in a process of its own.

It keeps nothing on disk, has no transactions and forgives what a broker would not: good for a look, proof of nothing.
"""

import json
import sys
import threading
from pathlib import Path

WARNING = (
    "!!! NO REAL KAFKA: an in-memory mock stands in. It keeps nothing and proves nothing. Install Maven and Java 17."
)


def main() -> None:
    """Serve until killed; write the address to the file named on the command line."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": "127.0.0.1:1", "test.mock.num.brokers": 1, "log_level": 0})
    metadata = producer.list_topics(timeout=10)
    broker = next(iter(metadata.brokers.values()))
    address = Path(sys.argv[1])
    written = address.with_suffix(".written")
    written.write_text(json.dumps(f"{broker.host}:{broker.port}"))
    written.rename(address)  # whoever waits for the file finds all of it
    threading.Event().wait()


if __name__ == "__main__":
    main()
