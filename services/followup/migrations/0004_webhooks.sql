-- Webhooks out (Standard Webhooks): where partners want to hear, and what they have not heard yet. Ids only.

create table webhook (
    webhook_id      uuid primary key,
    partner_id      uuid        not null,
    url             text        not null,
    secret          text        not null, -- whsec_…: it signs, so it cannot be a hash
    types           text[]      not null, -- topics
    created_at      timestamptz not null default now(),
    disabled_at     timestamptz,
    disabled_reason text
);
create index webhook_partner on webhook (partner_id);

create table webhook_message (
    id          bigint generated always as identity primary key,
    webhook_id  uuid        not null references webhook on delete cascade,
    message_id  uuid        not null, -- the event's id: the same on every attempt and after every crash
    body        bytea       not null,
    state       text        not null default 'queued', -- queued, sent, dead
    attempt     smallint    not null default 0,
    next_at     timestamptz not null default now(), -- while an attempt is under way: when it counts as lost
    status      smallint,             -- of the last answer
    created_at  timestamptz not null default now(),
    ended_at    timestamptz,
    unique (webhook_id, message_id)
);
create index webhook_message_queue on webhook_message (next_at) where state = 'queued';
create index webhook_message_ended on webhook_message (ended_at) where state <> 'queued';
