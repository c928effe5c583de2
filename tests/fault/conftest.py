"""How long the fault run lasts."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-minutes", type=float, default=0.5, help="minutes of load under faults")


@pytest.fixture
def fault_seconds(request: pytest.FixtureRequest) -> float:
    """Seconds of load under faults."""
    return float(request.config.getoption("--fault-minutes")) * 60
