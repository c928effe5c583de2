-- Who would like to talk again. Seen by nobody until the other wishes it too.
create table wish (
    followup_id uuid primary key,
    wished_at   timestamptz not null
);

-- Who told us of bad conduct, so that the same words twice are one report. The report itself has a random id: a derived
-- one could be guessed back to who reported.
create table conduct (
    followup_id uuid,
    kind        text,
    report_id   uuid not null,
    primary key (followup_id, kind)
);
