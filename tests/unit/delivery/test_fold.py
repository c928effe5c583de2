"""Whatever the order inside a batch, the highest revision of a key wins and a tombstone is final."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.registered import Attributes, Registered
from shared.delivery.fold import newest
from shared.delivery.outbox import Outgoing
from shared.platform import clock
from shared.platform.ids import derived

OUT = Outgoing("registration", clock.now())


def registered(number: int, revision: int) -> Registered:
    return Registered(
        registration_id=derived(number),
        gathering_id=derived("g"),
        person_id=derived("p", number),
        partner_id=derived("partner"),
        revision=revision,
        status="accepted",
        purpose="information",
        attributes=Attributes(),
        registered_at=clock.now(),
    )


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9) | st.none())))
def test_fold(changes: list[tuple[int, int | None]]) -> None:
    events = [
        OUT.tombstone(Registered, derived(number)) if revision is None else OUT.event(registered(number, revision))
        for number, revision in changes
    ]
    payloads, erased = newest(events)
    assert erased == sorted({str(derived(number)) for number, revision in changes if revision is None})
    expected = {
        str(derived(number)): max(r for n, r in changes if n == number and r is not None)
        for number, revision in changes
        if revision is not None and str(derived(number)) not in erased
    }
    assert {payload.key(): cast(Registered, payload).revision for payload in payloads} == expected
    assert [payload.key() for payload in payloads] == sorted(expected)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9) | st.none())))
def test_words_that_are_given_again_after_they_were_withdrawn_count(changes: list[tuple[int, int | None]]) -> None:
    events = [
        OUT.tombstone(Registered, derived(number)) if revision is None else OUT.event(registered(number, revision))
        for number, revision in changes
    ]
    payloads, erased = newest(events, final=False)
    since: dict[str, list[int]] = {}
    for number, revision in changes:
        since.setdefault(str(derived(number)), [])
        since[str(derived(number))] = [] if revision is None else [*since[str(derived(number))], revision]
    assert erased == sorted(key for key, given in since.items() if not given)
    assert {payload.key(): cast(Registered, payload).revision for payload in payloads} == {
        key: max(given) for key, given in since.items() if given
    }
