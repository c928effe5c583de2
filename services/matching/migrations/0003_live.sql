-- For whom a plan could not find enough good meetings, and why: for the organiser to invite against. Codes, no words.
create table unattainable (
    plan_id         uuid not null references plan on delete cascade,
    registration_id uuid not null,
    possible        int  not null,
    reason          text not null,
    primary key (plan_id, registration_id)
);
create index unattainable_registration on unattainable (registration_id);

-- Somebody who was said not to come and checks in after that has come.
alter table presence add column said_at timestamptz not null default now();
