-- What follow-up said of somebody whose platform it does not know yet: `registered` may come after it, on another topic.
create table webhook_waiting (
    message_id uuid primary key,
    topic      text        not null,
    owner      uuid        not null,
    body       bytea       not null,
    created_at timestamptz not null default now()
);
create index webhook_waiting_owner on webhook_waiting (owner);

alter table webhook add tested_at timestamptz;
