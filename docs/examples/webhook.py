"""Take webhooks: verify each signature, let a repetition have no effect, and answer at once. Python alone is enough.

WEBHOOK_SECRET is the `whsec_…` that `POST /v1/webhooks` showed; PORT is where to listen, behind your own TLS.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
TOLERANCE = 300  # seconds: an old call that somebody recorded and plays again is refused
LONGEST = 1_000_000  # bytes
seen: set[str] = set()  # in a database, written with the effect in one transaction, kept for seven days


def is_ours(message_id: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Whether we signed these very bytes, lately. While a secret is changed there are two signatures; one must fit."""
    if not SECRET or not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    signed = hmac.digest(SECRET, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    wanted = "v1," + base64.b64encode(signed).decode()
    return any(hmac.compare_digest(wanted.encode(), each.encode()) for each in signatures.split())


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > LONGEST:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        message_id, at, signatures = (
            self.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
        )
        if not is_ours(message_id, at, signatures, body):
            self.send_error(401)
            return
        if message_id not in seen:
            message = json.loads(body)
            print(message["type"], json.dumps(message["data"], ensure_ascii=False), flush=True)
            seen.add(message_id)
        self.send_response(204)  # any 2xx: it is done. Anything else, or nothing within 15 s, and we call again
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: an address of a call may carry what should not be in a log."""


if __name__ == "__main__":
    if not SECRET:
        raise SystemExit("WEBHOOK_SECRET is not set")
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Receiver).serve_forever()
