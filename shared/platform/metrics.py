"""Every metric, once, with a sentence. Labels are few and never name a person, a message or a link."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_FAST: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
_LATE: Final = (0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0)  # seconds

http_requests = Counter("http_requests_total", "Requests answered.", ["route", "method", "code"])
http_duration = Histogram(
    "http_request_duration_seconds", "Time from a request's head to the end of its answer.", ["route"], buckets=_FAST
)
http_in_flight = Gauge("http_requests_in_flight", "Requests being answered now.")
auth_failures = Counter("auth_failures_total", "Calls without a valid API key or without the scope.", ["reason"])
idempotency_replays = Counter("idempotency_replays_total", "Requests answered from an earlier identical one.")

accepted = Counter("accepted_total", "Things that this service accepted and will see through.", ["kind"])

outbox_unsent = Gauge("outbox_unsent_rows", "Events committed and not yet acknowledged by Kafka.")
outbox_age = Gauge("outbox_oldest_unsent_age_seconds", "Age of the oldest event not yet acknowledged by Kafka.")
outbox_published = Counter("outbox_published_total", "Events acknowledged by Kafka.", ["topic"])
outbox_latency = Histogram("outbox_publish_latency_seconds", "Commit to acknowledgement by Kafka.", buckets=_LATE)
relay_leader = Gauge("outbox_relay_leader", "1 while this replica publishes the outbox; the sum over replicas is 1.")

consumed = Counter("consumer_records_total", "Records processed, by what became of them.", ["topic", "outcome"])
consumer_batch = Histogram("consumer_batch_seconds", "Time to process one batch, commit included.", buckets=_FAST)
consumer_event_age = Histogram(
    "consumer_event_age_seconds", "From the time of a batch's oldest event to the commit.", ["topic"], buckets=_LATE
)
consumer_retries = Counter("consumer_retries_total", "Batches put back because a dependency was not available.")
consumer_lag = Gauge("consumer_lag_records", "Records of this replica's partitions not yet processed.", ["topic"])
consumer_progress = Gauge("consumer_last_progress_timestamp_seconds", "Unix time of the last processed batch.")
dead_letters = Counter("dead_letters_total", "Records put aside because they cannot be processed.", ["topic", "reason"])

due_fired = Counter("due_fired_total", "Timers fired.", ["kind"])
due_lateness = Histogram("due_lateness_seconds", "From the due time to the commit of the due item.", buckets=_LATE)
mails = Counter("mails_total", "Mails to our own users, by how far they came.", ["state"])
webhooks = Counter("webhook_attempts_total", "Calls of partners' webhooks, by what became of them.", ["outcome"])
due_overdue = Gauge("due_oldest_overdue_age_seconds", "Age of the oldest timer that should have fired.")

plan_duration = Histogram(
    "matching_plan_seconds", "CPU-bound planning of one gathering.", ["step"], buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60)
)
erasures = Counter("erasures_applied_total", "Tombstones of persons applied.")
restarts = Counter("part_restarts_total", "A part of this process started over after its dependency failed.", ["part"])
