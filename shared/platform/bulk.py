"""Many rows in one request: good rows are kept, and every row gets a verdict."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError

from shared.platform.errors import Invalid

NDJSON: Final = "application/x-ndjson"
MAX_ROWS: Final = 20_000  # per request; larger files are split by the sender

ModelT = TypeVar("ModelT", bound=BaseModel)


class RowProblem(BaseModel):
    """What is wrong with one field of a row. The value is not repeated: it may be personal data."""

    pointer: str
    detail: str


class Verdict(BaseModel):
    """What became of one row, counted from 1."""

    row: int
    status: str
    id: str | None = None
    problems: list[RowProblem] = []


class Verdicts(BaseModel):
    """The answer to a bulk request."""

    accepted: int
    rejected: int
    rows: list[Verdict]


def rejected(row: int, pointer: str, detail: str) -> Verdict:
    """The verdict on a row that cannot be taken."""
    return Verdict(row=row, status="rejected", problems=[RowProblem(pointer=pointer, detail=detail)])


def problems_of(error: ValidationError) -> list[RowProblem]:
    """A validation error as pointers and reasons."""
    return [
        RowProblem(pointer="/" + "/".join(str(step) for step in each["loc"]), detail=each["msg"])
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def read_ndjson(body: bytes, model: type[ModelT]) -> Iterator[tuple[int, ModelT | Verdict]]:
    """Each line as a model, or the verdict that refuses it. Empty lines are passed over. Raises `Invalid`."""
    lines = body.split(b"\n", MAX_ROWS + 1)  # no further than the count needs: 20 MB can be as many empty lines
    if len(lines) > MAX_ROWS + 1:
        raise Invalid(f"more than {MAX_ROWS} rows in one request; split the file")
    for row, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield row, model.model_validate_json(line)
        except ValidationError as error:
            yield row, Verdict(row=row, status="rejected", problems=problems_of(error))


async def read_rows(request: Request, model: type[ModelT]) -> list[tuple[int, ModelT | Verdict]]:
    """The rows of a request, read aside: 20,000 of them take a third of a second, in which others are answered."""
    body = await ndjson_body(request)
    return await asyncio.to_thread(lambda: list(read_ndjson(body, model)))


async def ndjson_body(request: Request) -> bytes:
    """The body of a bulk request. Raises `Invalid` when it is declared to be something else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != NDJSON:
        raise Invalid(f"send one JSON object a line, as {NDJSON}")
    return await request.body()


def answer(verdicts: Sequence[Verdict]) -> Response:
    """200 when at least one row was taken or there was none, 422 when all were refused; the rows tell."""
    refused = sum(1 for verdict in verdicts if verdict.status == "rejected")
    report = Verdicts(
        accepted=len(verdicts) - refused, rejected=refused, rows=sorted(verdicts, key=lambda verdict: verdict.row)
    )
    status = 422 if verdicts and refused == len(verdicts) else 200
    return Response(report.model_dump_json(exclude_defaults=True), status, media_type="application/json")
