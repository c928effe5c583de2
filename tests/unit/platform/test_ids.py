"""Ids sort by time, never repeat by chance, and repeat on purpose."""

import time
import uuid

from shared.platform.ids import ENISHI, derived, uuid7


def test_uuid7_has_version_variant_and_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert before <= made.int >> 80 <= after


def test_uuid7_does_not_repeat() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000


def test_derived_is_the_same_for_the_same_parts_and_only_then() -> None:
    assert derived("meeting", 1) == derived("meeting", 1)
    assert derived("meeting", 1) != derived("meeting", 2)
    assert derived("a", "b") != derived("ab")


def test_derived_is_the_standard_name_based_uuid() -> None:
    for parts in (("meeting", uuid.uuid4(), 1), ("縁",), ("",)):
        assert derived(*parts) == uuid.uuid5(ENISHI, "|".join(map(str, parts)))
