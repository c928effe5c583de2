-- Facts from every topic, and anonymous answers. No names and no addresses reach this database.

create table gathering (
    gathering_id uuid primary key,
    partner_id   uuid  not null,
    revision     int   not null,
    definition   jsonb not null
);

create table registration (
    registration_id uuid primary key,
    gathering_id    uuid    not null,
    revision        int     not null,
    status          text    not null,
    attendance      text    not null,
    purpose         text    not null,
    industry        text,
    company_size    text,
    role            text,
    newcomer        boolean not null
);
create index registration_gathering on registration (gathering_id);

create table erased (
    registration_id uuid primary key
);

create table matched (
    registration_id uuid primary key,
    gathering_id    uuid   not null,
    revision        int    not null,
    proposed        uuid[] not null
);
create index matched_gathering on matched (gathering_id);

create table meeting (
    meeting_id      uuid primary key,
    gathering_id    uuid        not null,
    revision        int         not null,
    a               uuid        not null,
    b               uuid        not null,
    met_at          timestamptz not null,
    talk_seconds    int,
    mutual_interest boolean     not null
);
create index meeting_gathering on meeting (gathering_id);

create table followup_due (
    followup_id  uuid not null,
    step         int  not null,
    gathering_id uuid        not null,
    owner        uuid        not null,
    other        uuid        not null,
    kind         text        not null,
    deadline_at  timestamptz not null,
    primary key (followup_id, step)
);
create index followup_due_gathering on followup_due (gathering_id, owner, other);

create table followup (
    followup_id    uuid primary key,
    gathering_id   uuid        not null,
    revision       int         not null,
    owner          uuid        not null,
    other          uuid        not null,
    state          text        not null,
    outcome        text,
    met_at         timestamptz not null,
    deadline_at    timestamptz not null,
    first_touch_at timestamptz
);
create index followup_gathering on followup (gathering_id);

create table survey (
    gathering_id uuid primary key,
    partner_id   uuid not null,
    room_sha256  bytea unique, -- of the code on the screen
    closed_at    timestamptz
);

-- Who may answer: the hash of a link and bands to group by, never who holds the link.
create table invitation (
    token_sha256 bytea primary key,
    gathering_id uuid  not null references survey,
    trust        text  not null check (trust in ('personal', 'room')),
    segment      jsonb not null
);
create index invitation_gathering on invitation (gathering_id);

create table response (
    response_id  uuid primary key, -- version 4: time-ordered ids would tell who answered when
    token_sha256 bytea unique,     -- null for paper
    gathering_id uuid    not null references survey,
    revision     int     not null,
    form_version int     not null,
    channel      text    not null,
    trust        text    not null,
    day          date    not null, -- never the time of day
    locale       text    not null,
    answers      jsonb   not null,
    free_text    text,
    quotable     boolean not null default false,
    segment      jsonb   not null
);
create index response_gathering on response (gathering_id);
