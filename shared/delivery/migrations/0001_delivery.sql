-- The three tables of delivery. They live in every service's database, beside its own tables.

create table outbox (
    seq        bigint generated always as identity primary key,
    topic      text        not null,
    key        text        not null, -- id of the aggregate whose order matters, never personal data
    headers    json        not null, -- json, not jsonb: the same bytes on every publication
    payload    bytea,                -- null is a tombstone
    created_at timestamptz not null default now()
)
-- Rows live for milliseconds: vacuum by count, or the dead head of the index slows every look.
with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);

create table inbox (
    event_id    uuid primary key,
    received_at timestamptz not null default now()
);
create index inbox_received_at on inbox using brin (received_at);

create table dead_letter (
    id            uuid primary key, -- derived from topic, partition and offset: recording twice is recording once
    topic         text        not null,
    partition     int         not null,
    record_offset bigint      not null,
    key           bytea,
    headers       json        not null,
    value         bytea,
    reason        text        not null, -- a short code
    error         text        not null, -- without personal data
    failed_at     timestamptz not null default now()
);
create index dead_letter_failed_at on dead_letter (failed_at);
