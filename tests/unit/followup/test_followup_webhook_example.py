"""The receiver that partners may copy: it takes what we sign, once, and nothing else."""

import importlib.util
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import httpx
import pytest

from services.followup.domain.webhooks import body_of, headers, secret_of

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "webhook.py"
SECRET = secret_of(b"s" * 32)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    spec = importlib.util.spec_from_file_location("webhook_example", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = ThreadingHTTPServer(("127.0.0.1", 0), module.Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_address[1]}", trust_env=False) as client:
        yield client
    server.shutdown()
    server.server_close()


def test_it_takes_what_we_sign_and_repeats_nothing(receiver: httpx.Client, capsys: pytest.CaptureFixture[str]) -> None:
    body = body_of("enishi.followup-due.v1", "2026-11-21T09:00:00Z", '{"kind":"お礼"}'.encode())
    for secrets in ([SECRET], [secret_of(b"n" * 32), SECRET]):
        signed = headers(secrets, uuid4(), int(time.time()), body)
        assert [receiver.post("/", content=body, headers=signed).status_code for _ in range(2)] == [204, 204]
    assert capsys.readouterr().out == 'enishi.followup-due.v1 {"kind": "お礼"}\n' * 2


def test_it_refuses_what_is_forged_changed_or_old(receiver: httpx.Client, capsys: pytest.CaptureFixture[str]) -> None:
    body, now = b'{"type":"enishi.test","data":{}}', int(time.time())
    good = headers([SECRET], uuid4(), now, body)
    for content, sent in (
        (body, {}),
        (body, {**good, "webhook-signature": "v1,é"}),
        (body + b" ", good),
        (body, {**good, "webhook-id": str(uuid4())}),
        (body, headers([secret_of(b"x" * 32)], uuid4(), now, body)),
        (body, headers([SECRET], uuid4(), now - 3600, body)),
    ):
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        assert receiver.post("/", content=content, headers=encoded).status_code == 401
    assert capsys.readouterr().out == ""
