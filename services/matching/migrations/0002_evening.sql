-- The evening itself: who is there when, what the organiser fixed, who was brought together, what sensors saw.

-- A re-plan of a running gathering: the last round that cannot change any more. Null: a plan from scratch.
alter table plan add column current_round int;
-- How far a plan in the making is.
alter table plan add column step text;
alter table plan add column share real;

-- From which round to which somebody takes part, where that is not the whole evening. `last_round` 0: did not come.
create table presence (
    registration_id uuid primary key,
    gathering_id    uuid not null,
    first_round     int  not null default 1,
    last_round      int
);
create index presence_gathering on presence (gathering_id);

create table closed_table (
    gathering_id uuid not null,
    table_number int  not null,
    from_round   int  not null,
    primary key (gathering_id, table_number)
);

-- Where the organiser wants somebody to sit.
create table pin (
    registration_id uuid not null,
    round           int  not null,
    gathering_id    uuid not null,
    table_number    int  not null,
    primary key (registration_id, round)
);
create index pin_gathering on pin (gathering_id);

-- "These two should meet." Shown to both; each answers alone, and a refusal stays unseen.
create table proposal (
    proposal_id  uuid primary key,
    gathering_id uuid        not null,
    partner_id   uuid        not null,
    a            uuid        not null,
    b            uuid        not null check (a <> b),
    introducer   uuid,       -- an attendee; null: the desk, or one of the two asked
    asked_by     text        not null check (asked_by in ('introducer', 'desk', 'self')), -- `self`: a asked
    held         boolean     not null, -- the two must not meet: neither ever hears of it
    a_answer     boolean,
    b_answer     boolean,
    created_at   timestamptz not null
);
create unique index proposal_pair on proposal (gathering_id, least(a, b), greatest(a, b));
create index proposal_a on proposal (a);
create index proposal_b on proposal (b);

-- Steps of twenty seconds in which sensors saw two people face each other.
create table contact_step (
    gathering_id uuid        not null,
    a            uuid        not null,
    b            uuid        not null check (a < b),
    ends_at      timestamptz not null,
    primary key (gathering_id, a, b, ends_at)
);
create index contact_step_b on contact_step (b);
