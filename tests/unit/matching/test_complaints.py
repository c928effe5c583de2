"""Complaints become a question to a human only where two people must have made them."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.complaints import FLAG_AT, Report, complainants, is_open

G, H = UUID(int=1), UUID(int=2)
reports = st.lists(
    st.builds(Report, st.sampled_from([G, H]), st.sampled_from(["survey", "followup"]), st.sampled_from(["a", "b"]))
)


def test_one_person_may_have_made_every_report_that_differs_from_the_others() -> None:
    alone = [Report(G, source, kind) for source in ("survey", "followup") for kind in ("pressured", "disrespected")]
    assert complainants(alone) == 1
    assert complainants([*alone, Report(G, "survey", "pressured")]) == 2
    assert complainants([Report(G, "survey", "pressured"), Report(H, "survey", "pressured")]) == 2


def test_a_flag_opens_at_two_and_again_only_when_there_are_more_than_at_the_review() -> None:
    assert not is_open(FLAG_AT - 1, None)
    assert is_open(FLAG_AT, None)
    assert not is_open(FLAG_AT, FLAG_AT)
    assert is_open(FLAG_AT + 1, FLAG_AT)


@given(reports, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_nobody_is_counted_who_cannot_have_been_there(
    found: list[Report], random: object
) -> None:
    count = complainants(found)
    random.shuffle(found)  # type: ignore[attr-defined]
    assert complainants(found) == count <= len(found)
    assert (count == 0) == (not found)
