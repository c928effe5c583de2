"""Rows of a bulk request."""

import pytest
from pydantic import BaseModel

from shared.platform.bulk import MAX_ROWS, read_ndjson
from shared.platform.errors import Invalid


class Row(BaseModel):
    """One row."""

    n: int


class Counted(bytes):
    """A body that tells into how many lines it was split."""

    parts = 0

    def split(self, *given: object) -> list[bytes]:
        found: list[bytes] = bytes(self).split(*given)  # type: ignore[arg-type]
        Counted.parts = len(found)
        return found


def test_a_full_request_is_read_and_one_row_more_is_refused() -> None:
    assert len(list(read_ndjson(b'{"n":1}\n' * MAX_ROWS, Row))) == MAX_ROWS
    with pytest.raises(Invalid, match="more than"):
        list(read_ndjson(b'{"n":1}\n' * (MAX_ROWS + 1), Row))


def test_what_is_far_too_long_is_not_taken_apart_to_be_refused() -> None:
    with pytest.raises(Invalid, match="more than"):
        list(read_ndjson(Counted(b"\n" * (10 * MAX_ROWS)), Row))
    assert Counted.parts <= MAX_ROWS + 2
