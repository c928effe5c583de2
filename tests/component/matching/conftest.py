"""Fixtures of the component tests of matching; their plans share one worker, as a process that imports and compiles costs
more than the plans themselves."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from services.matching import planner
from services.matching.workers import Workers, open_workers
from tests.component.matching.group import Group, open_group
from tests.component.matching.night import LISTS, SEATS, Night, open_night
from tests.conftest import OpenDatabase


@pytest.fixture
async def group(open_database_for: OpenDatabase) -> AsyncIterator[Group]:
    """Twelve people at gathering 1."""
    async with open_group(open_database_for) as opened:
        yield opened


@pytest.fixture
async def night(open_database_for: OpenDatabase) -> AsyncIterator[Night]:
    """An evening whose plan is published."""
    async with open_night(open_database_for) as opened:
        await opened.publish(SEATS, LISTS)
        yield opened


@pytest.fixture(scope="session")
def kept_workers() -> Iterator[Workers]:
    """The worker; it starts with the first plan."""
    with open_workers() as workers:
        yield workers


@pytest.fixture
def own_worker() -> None:
    """Ask for this where the planner must start processes itself, as in service."""


@pytest.fixture(autouse=True)
def planners_share_workers(
    request: pytest.FixtureRequest, kept_workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every planner that a test runs finds the worker warm, idle and with nothing cancelled."""

    @contextmanager
    def share() -> Iterator[Workers]:
        try:
            yield kept_workers
        finally:
            kept_workers.slate.cancelled.value = 1  # as ending the process would, it ends a plan in the making
            kept_workers.pool.submit(os.getpid).result()

    if "own_worker" not in request.fixturenames:
        monkeypatch.setattr(planner, "open_workers", share)
