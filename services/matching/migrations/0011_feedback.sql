-- What attendees say after a round, and what follow-up and complaints tell later: the labels that matching learns from.

create table tap (
    author       uuid        not null,
    about        uuid        not null check (about <> author),
    gathering_id uuid        not null, -- of both
    verdict      text        not null check (verdict in ('glad', 'ordinary', 'not_for_me', 'none')), -- none: taken back
    tapped_at    timestamptz not null,
    primary key (author, about)
);
create index tap_gathering on tap (gathering_id);
create index tap_about on tap (about);

-- The newest state of each follow-up, from `followup-done`.
create table followup (
    followup_id  uuid primary key,
    gathering_id uuid not null,
    owner        uuid not null,
    other        uuid not null,
    revision     int  not null,
    state        text not null
);
create index followup_gathering on followup (gathering_id);
create index followup_owner on followup (owner);
create index followup_other on followup (other);

-- Reports of conduct, from `conduct-reported`. They do not say who reported.
create table complaint (
    report_id    uuid primary key,
    gathering_id uuid not null,
    subject      uuid not null,
    kind         text not null,
    source       text not null,
    day          date not null
);
create index complaint_subject on complaint (subject);

-- What a human decided about somebody of whom two or more people complained.
create table review (
    partner_id  uuid        not null,
    person_id   uuid        not null,
    decision    text        not null check (decision in ('seller', 'dismissed')),
    complaints  int         not null, -- how many there were: more of them raise the flag again
    reviewed_at timestamptz not null,
    primary key (partner_id, person_id)
);
