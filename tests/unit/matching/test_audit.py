"""An audit measures by what the plan was made for."""

import numpy as np
import pytest

from services.matching.domain import audit as module
from services.matching.domain.audit import audit
from services.matching.domain.people import Person
from services.matching.domain.plan import Task, make_plan
from services.matching.domain.scoring import score
from shared.platform.ids import derived

PEOPLE = tuple(
    Person(
        derived("registration", n), derived("person", n), "information", name=f"試験{n}", industry=chr(65 + n),
        needs="採用 翻訳 動画 販路"[n % 4 * 3 :], offers="翻訳 動画 販路 採用"[n % 5 * 2 :], times_attended=1 + n % 3,
    )
    for n in range(16)
)  # fmt: skip


def test_the_operators_own_embedding_counts_in_an_audit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = np.random.default_rng(1).uniform(0, 1, (16, 16)).astype(np.float32)
    task = Task(PEOPLE, 2, (4,) * 4, (), 1, 20_000, introductions=False)
    made = make_plan(task, scored=score(PEOPLE, task.weights, extra_fit=fit))
    published = Task(PEOPLE, 2, (4,) * 4, (), 1, 0, reference=made.seats)
    monkeypatch.setattr(module, "effects", lambda *given, **named: ())
    found = audit(published, extra_fit=fit)
    assert made.proof.violations == ()
    assert found.value == pytest.approx(made.proof.value)
    assert found.bound is not None
    assert found.value <= found.bound + 1e-3
    assert audit(published).value != pytest.approx(made.proof.value)
