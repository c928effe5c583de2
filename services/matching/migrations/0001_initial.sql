-- What matching knows of gatherings and people, its plans, and the meetings that came of them.

create table gathering (
    gathering_id uuid primary key,
    partner_id   uuid  not null,
    revision     int   not null,
    definition   jsonb not null -- the newest `gathering` payload
);

create table registration (
    registration_id uuid primary key,
    gathering_id    uuid  not null,
    partner_id      uuid  not null,
    person_id       uuid  not null,
    revision        int   not null,
    snapshot        jsonb not null -- the newest `registered` payload
);
create index registration_gathering on registration (gathering_id);
create index registration_person on registration (person_id);

-- Apart from `registration`, because the two topics arrive in any order and are erased together.
create table profile (
    registration_id uuid primary key,
    gathering_id    uuid  not null,
    revision        int   not null,
    snapshot        jsonb not null -- the newest `profile` payload: personal data
);
create index profile_gathering on profile (gathering_id);

-- Who was erased: a late or replayed fact must not bring anybody back.
create table erased (
    registration_id uuid primary key,
    erased_at       timestamptz not null default now()
);

create table plan (
    plan_id      uuid primary key,
    gathering_id uuid        not null,
    partner_id   uuid        not null,
    state        text        not null check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    seed         int         not null,
    settings     jsonb       not null, -- the constants this plan was made with
    reason       text,                 -- why it failed or what it could not do
    proof        jsonb,                -- value, bound, violations, distribution: filled when done
    requested_at timestamptz not null default now(),
    started_at   timestamptz,
    finished_at  timestamptz
);
create index plan_waiting on plan (requested_at) where state in ('queued', 'running');
create index plan_gathering on plan (gathering_id, requested_at desc);

-- The newest plan of one attendee, as published on `matched`, with the words that stay here.
create table matched (
    registration_id uuid primary key,
    gathering_id    uuid  not null,
    plan_id         uuid  not null,
    revision        int   not null,
    introductions   jsonb not null, -- [{counterpart, rank, reasons, words, question, introducer}]: personal data
    seats           jsonb not null  -- [{round, table}]
);
create index matched_gathering on matched (gathering_id);

create table meeting (
    meeting_id   uuid primary key,
    gathering_id uuid        not null,
    partner_id   uuid        not null,
    revision     int         not null,
    a            uuid        not null,
    b            uuid        not null check (a < b),
    met_at       timestamptz not null,
    talk_seconds int,
    source       text        not null,
    round        int,
    table_number int,
    a_wants_next boolean,
    b_wants_next boolean,
    unique (gathering_id, a, b)
);
create index meeting_a on meeting (a);
create index meeting_b on meeting (b);

-- One side's private note. The text travels once, on `met-note`, to follow-up; here only its revision stays.
create table note (
    meeting_id uuid  not null references meeting on delete cascade,
    author     uuid  not null,
    revision   int   not null,
    sha256     bytea not null, -- of the content, so that a repetition is not a revision
    primary key (meeting_id, author)
);
