-- Messages to our own users. What they say is built from state when they leave; here is only who, when and how far.

create table mailbox (
    person_id  uuid primary key,
    next_at    timestamptz,          -- when the next message may leave; null while there is nothing to say
    planned_at timestamptz not null
);
create index mailbox_next on mailbox (next_at) where next_at is not null;

create table delivery (
    id          bigint generated always as identity primary key,
    person_id   uuid        not null,
    dedupe      text        not null unique,
    state       text        not null default 'queued',
    -- queued, sending (leased), data (past the point of no return), sent, uncertain, dead, suppressed
    next_at     timestamptz not null,
    attempt     smallint    not null default 0,
    worker      uuid,
    lease_until timestamptz,
    message_id  text unique,
    reason      text,                -- a short code, never an address
    created_at  timestamptz not null default now(),
    ended_at    timestamptz
);
create index delivery_queue on delivery (next_at) where state = 'queued';
create index delivery_lease on delivery (lease_until) where state in ('sending', 'data');
create index delivery_person on delivery (person_id, created_at);

create table suppression (           -- addresses that do not exist; only their hash is kept
    address_sha256 bytea primary key,
    reason         text        not null,
    at             timestamptz not null default now()
);
