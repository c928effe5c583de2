-- What concerns an attendee and nobody else: whom to meet, the survey, what they planned for themselves. Nothing has to
-- fire: a reminder whose time has come is open, and the next message tells of it.

alter table gathering add starts_at timestamptz;
alter table profile               -- personal data
    add goal        text,
    add plan        text,
    add talk_topics text;

create table matched (
    registration_id uuid primary key,
    revision        int   not null,
    introductions   jsonb not null, -- [{"counterpart": …, "reasons": […], "introducer": …}], by rank
    seats           jsonb not null
);

create table survey_link (
    gathering_id uuid primary key,
    partner_id   uuid not null,
    url          text not null     -- the room's link: it names nobody
);

create table reminder_plan (       -- one row for each attendee who has reminders; whoever plans them anew holds it
    registration_id uuid primary key
);

create table reminder (
    id          uuid primary key,  -- derived from owner, kind and text: planning anew finds the same one
    owner       uuid        not null,
    kind        text        not null, -- brief, survey, own_task
    text        text        not null, -- of a task: personal data, for its owner's eyes only
    due_at      timestamptz not null,
    until_at    timestamptz not null,
    policy      int         not null,
    known_at    timestamptz not null default now(),
    delivery_id bigint,               -- the message that tells of it; 0 when it came to nothing before
    done_at     timestamptz
);
create index reminder_owner on reminder (owner);
create index reminder_open on reminder (due_at) where delivery_id is null;
create index reminder_delivery on reminder (delivery_id) where delivery_id > 0;
