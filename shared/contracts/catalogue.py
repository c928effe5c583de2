"""The table of topics: who writes, who reads, how a topic is kept. Everything about topics is generated from it."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.contracts.conduct_reported import ConductReported
from shared.contracts.contact import Contact
from shared.contracts.contract import Contract
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.contracts.gathering import Gathering
from shared.contracts.kept_apart import KeptApart
from shared.contracts.matched import Matched
from shared.contracts.met import Met
from shared.contracts.met_note import MetNote
from shared.contracts.partner import Partner
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.contracts.survey_closed import SurveyClosed
from shared.contracts.survey_submitted import SurveySubmitted
from shared.contracts.unlisted import Unlisted

SERVICES: Final = ("registration", "matching", "followup", "survey")

# Adding partitions later re-maps keys and so breaks order per key: 12 leaves room for 12 replicas of each service.
PARTITIONS: Final = 12
FACT_RETENTION_DAYS: Final = 30
DEAD_LETTER_RETENTION_DAYS: Final = 14
_DAY_MS: Final = 86_400_000

MAX_VALUE_BYTES: Final = 900_000
"""Largest payload. Below Kafka's default of 1 MiB for a whole record, with room for key and headers."""


@dataclass(frozen=True)
class Topic:
    """One topic. A state topic is compacted and a null value erases its key; a fact topic is kept for a time."""

    model: type[Contract]
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    state: bool = False
    restricted: bool = False

    @property
    def name(self) -> str:
        return self.model.topic

    @property
    def meaning(self) -> str:
        """The first line of the module's docstring, which is the topic's definition."""
        return (sys.modules[self.model.__module__].__doc__ or "").partition("\n")[0]

    def config(self) -> dict[str, str]:
        """Kafka topic configuration. Erasure has a time bound only through `max.compaction.lag.ms`."""
        if not self.state:
            return {"cleanup.policy": "delete", "retention.ms": str(FACT_RETENTION_DAYS * _DAY_MS)}
        return {
            "cleanup.policy": "compact",
            "max.compaction.lag.ms": str(_DAY_MS),
            "segment.ms": str(_DAY_MS // 24),
            "min.cleanable.dirty.ratio": "0.1",
            # A consumer that is offline for longer than this may miss that somebody was erased.
            "delete.retention.ms": str(7 * _DAY_MS),
        }


_ALL: Final = SERVICES

TOPICS: Final[dict[str, Topic]] = {
    topic.name: topic
    for topic in (
        Topic(Gathering, ("registration",), _ALL, state=True),
        Topic(Registered, ("registration",), _ALL, state=True),
        Topic(Profile, ("registration",), ("matching", "followup"), state=True, restricted=True),
        Topic(Contact, ("registration",), ("followup",), state=True, restricted=True),
        Topic(Partner, ("registration",), _ALL, state=True, restricted=True),
        Topic(Matched, ("matching",), _ALL, state=True),
        Topic(Met, ("matching",), _ALL),
        Topic(MetNote, ("matching",), ("followup",), restricted=True),
        Topic(FollowupDue, ("followup",), _ALL),
        Topic(FollowupDone, ("followup",), _ALL),
        Topic(SurveySubmitted, ("survey",), _ALL),
        Topic(SurveyClosed, ("survey",), ("followup",)),
        Topic(ConductReported, ("survey", "followup"), ("registration", "matching"), restricted=True),
        Topic(KeptApart, ("followup",), ("matching",), restricted=True),
        Topic(Unlisted, ("matching",), ("followup",), restricted=True),
    )
}


def dead_letter_topic(topic: str, service: str) -> str:
    """Where a service puts the records of a topic that it could not process."""
    return f"{topic}.{service}.dlq"


@dataclass(frozen=True)
class KafkaTopic:
    """A topic as the broker knows it."""

    name: str
    partitions: int
    config: dict[str, str]


def kafka_topics() -> Iterator[KafkaTopic]:
    """Every topic that must exist: the catalogue's, and the dead letters of each reader."""
    for topic in TOPICS.values():
        yield KafkaTopic(topic.name, PARTITIONS, topic.config())
    for topic in TOPICS.values():
        for service in topic.readers:
            # A dead letter carries the whole record that failed, so it may be larger than any payload.
            config = {
                "cleanup.policy": "delete",
                "retention.ms": str(DEAD_LETTER_RETENTION_DAYS * _DAY_MS),
                "max.message.bytes": str(2 * 1024 * 1024),
            }
            yield KafkaTopic(dead_letter_topic(topic.name, service), 1, config)
