-- Partners, gatherings, persons, registrations. Only this database knows who a registration is.

create table partner (
    partner_id uuid primary key,
    revision   int   not null,
    name       text  not null,
    keys       jsonb not null -- [{key_id, sha256, scopes, expires_at}], never the keys themselves
);

create table gathering (
    gathering_id uuid primary key,
    partner_id   uuid        not null references partner,
    external_id  text        not null,
    revision     int         not null,
    phase        text        not null,
    capacity     int         not null,
    definition   jsonb       not null, -- what the organiser sent
    starts_at    timestamptz not null,
    unique (partner_id, external_id)
);

-- One human at one partner, over all its gatherings.
create table person (
    person_id  uuid primary key,
    partner_id uuid not null references partner,
    mailbox    text not null, -- the address, normalised: personal data
    unique (partner_id, mailbox)
);

create table registration (
    registration_id uuid primary key,
    gathering_id    uuid        not null references gathering,
    partner_id      uuid        not null references partner,
    person_id       uuid        not null references person,
    revision        int         not null,
    status          text        not null,
    reason          text, -- why it waits or was declined
    attendance      text        not null,
    answers         jsonb       not null, -- what the person sent: personal data
    registered_at   timestamptz not null,
    checked_in_at   timestamptz,
    unique (gathering_id, person_id)
);
create index registration_status on registration (gathering_id, status, registered_at, registration_id);
create index registration_person on registration (person_id);

-- The partner's names for registrations. One person who registers twice is one registration with two names.
create table external_name (
    partner_id      uuid not null references partner,
    external_id     text not null,
    registration_id uuid not null references registration on delete cascade,
    primary key (partner_id, external_id)
);
create index external_name_registration on external_name (registration_id);

create table conduct_report (
    report_id    uuid primary key,
    gathering_id uuid not null,
    subject      uuid not null,
    kind         text not null,
    source       text not null,
    day          date not null
);
create index conduct_report_subject on conduct_report (subject);
