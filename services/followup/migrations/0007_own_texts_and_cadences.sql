-- What organisers have in place of the operator's choice.

create table gathering_text (
    gathering_id uuid not null,
    key          text not null,    -- locale/name
    partner_id   uuid not null,
    text         text not null,
    changed_at   timestamptz not null,
    primary key (gathering_id, key)
);

create sequence cadence_version start 1000; -- below are the operator's
create table cadence (             -- a version never changes
    version    int  primary key default nextval('cadence_version'),
    partner_id uuid not null,
    policy     jsonb not null,
    created_at timestamptz not null default now()
);
create index cadence_partner on cadence (partner_id);
