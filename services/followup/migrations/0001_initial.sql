-- Follow-up. Facts from the topics first, then what follows from them.
-- Any order of facts leads to the same rows: state is kept by revision, and a follow-up's course is computed anew
-- from all that is known about it.

create table gathering (
    gathering_id uuid primary key,
    partner_id   uuid,             -- null: only its cadence is known so far
    revision     int  not null default 0,
    title        text,
    phase        text,
    ends_at      timestamptz,
    time_zone    text
);
create index gathering_partner on gathering (partner_id);

create table gathering_cadence (
    gathering_id uuid primary key,
    partner_id   uuid not null,
    policy       int  not null     -- the version that this gathering's follow-ups are planned with
);

create table registration (
    registration_id uuid primary key,
    gathering_id    uuid not null,
    partner_id      uuid not null,
    person_id       uuid not null,
    revision        int  not null,
    status          text not null,
    attendance      text not null
);
create index registration_person on registration (person_id);

create table profile (             -- personal data, shown to others by consent
    registration_id uuid primary key,
    revision        int  not null,
    name            text not null,
    company         text,
    title           text,
    needs           text,
    offers          text
);

create table contact (             -- personal data
    registration_id uuid primary key,
    person_id       uuid not null,
    revision        int  not null,
    email           text not null,
    locale          text not null,
    time_zone       text not null,
    refused_at      timestamptz,   -- since when no thanks between people are wanted on any channel
    news            bool not null
);

create table note (                -- personal data: one side's private words, for their author's eyes only
    note_id    uuid primary key,
    author     uuid not null,
    about      uuid not null,
    revision   int  not null,
    text       text not null,
    topics     text[] not null,
    wants_next bool,
    written_at timestamptz not null
);
create index note_author on note (author, about);
create index note_about on note (about);

create table preference (          -- what somebody told us on their own page
    registration_id uuid primary key,
    stopped_at      timestamptz,
    quiet_from      time not null default '21:00',
    quiet_until     time not null default '08:00',
    away_from       date,
    away_until      date
);

create table erased (              -- facts about these may still arrive, on other topics, and are dropped
    registration_id uuid primary key,
    erased_at       timestamptz not null default now()
);

-- What one attendee owes another after a gathering. The second half follows from the first, from reports and from
-- what is known of the owner.
create table followup (
    id                uuid primary key, -- derived from gathering, owner and other
    gathering_id      uuid        not null,
    meeting_id        uuid        not null,
    owner             uuid        not null,
    other             uuid        not null,
    met_at            timestamptz not null,
    known_at          timestamptz not null,
    met_revision      int         not null,
    mutual_interest   bool        not null,
    policy            int         not null,
    paused_until      timestamptz,
    expired_at        timestamptz,

    deadline_at       timestamptz not null,
    late              bool        not null, -- became known after the deadline: not counted
    state             text        not null,
    state_since       timestamptz not null,
    occurred_at       timestamptz not null,
    outcome           text,
    first_touch_at    timestamptz,
    appointment_at    timestamptz,
    closed            bool        not null,
    expires_at        timestamptz,
    steps             smallint[]  not null, -- the plan: four arrays of one length, in the order of due times
    kinds             text[]      not null,
    due               timestamptz[] not null,
    until             timestamptz[] not null,

    revision          int         not null, -- of what `followup-done` says
    plan_revision     int         not null, -- of the plan; the timer carries the same number
    check (owner <> other)
);
create index followup_owner on followup (owner);
create index followup_gathering on followup (gathering_id);
create index followup_expiry on followup (expires_at) where expires_at is not null;

-- One row for each follow-up that has a step ahead. Firing moves it to the next step or deletes it.
create table timer (
    followup_id   uuid primary key,
    owner         uuid        not null,
    step          smallint    not null,
    due_at        timestamptz not null,
    plan_revision int         not null
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
-- The due time leads and nothing stands before it; the id makes the keyset watermark exact.
create index timer_due on timer (due_at, followup_id);

create table due_item (
    followup_id uuid,
    step        smallint,
    owner       uuid        not null,
    kind        text        not null,
    due_at      timestamptz not null,
    fired_at    timestamptz not null,
    until_at    timestamptz not null, -- for how long it is of use
    skipped     bool        not null, -- too late to be of use: recorded, never sent
    delivery_id bigint,               -- the message that tells its owner; 0 when it came to nothing before
    primary key (followup_id, step)
);
create index due_item_open on due_item (owner) where delivery_id is null and not skipped;

create table report (
    report_id      uuid primary key, -- derived from follow-up, state, outcome and source: saying it twice is saying it once
    followup_id    uuid        not null,
    state          text        not null,
    outcome        text,
    occurred_at    timestamptz not null,
    recorded_at    timestamptz not null,
    appointment_at timestamptz,
    source         text        not null,
    undone_at      timestamptz
);
create index report_followup on report (followup_id);

-- How follow-ups travel from the program into the tables: their plans apart, because those who met in one round share
-- one, and sending it once halves the cost of a batch.
create type followup_row as (
    id uuid, gathering_id uuid, meeting_id uuid, owner uuid, other uuid, met_at timestamptz, known_at timestamptz,
    met_revision int, mutual_interest bool, policy int, paused_until timestamptz, expired_at timestamptz,
    deadline_at timestamptz, late bool, state text, state_since timestamptz, occurred_at timestamptz, outcome text,
    first_touch_at timestamptz, appointment_at timestamptz, closed bool, expires_at timestamptz,
    plan int, revision int, plan_revision int
);
create type plan_row as (steps smallint[], kinds text[], due timestamptz[], until timestamptz[]);

-- A UUID of version 3 (RFC 9562) under the follow-up's id, so that a step that is fired again is the same event.
-- The twin of domain.identity.due_event_id.
create function due_event_id(followup_id uuid, step int, policy int) returns uuid
    language sql immutable strict parallel safe
    return (
        select (substr(hash, 1, 12) || '3' || substr(hash, 14, 3)
                || translate(substr(hash, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab') || substr(hash, 18))::uuid
        from md5(uuid_send(followup_id) || convert_to(step || '|' || policy, 'UTF8')) as hash
    );
