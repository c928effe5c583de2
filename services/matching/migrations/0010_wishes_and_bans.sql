-- Whom attendees wish to meet or not at one gathering, and whom the organiser keeps apart. Never shown to the other side.

create table wish (
    author       uuid not null,
    about        uuid not null check (about <> author),
    gathering_id uuid not null, -- of both
    kind         text not null check (kind in ('must_meet', 'would_like', 'no_thanks')),
    primary key (author, about)
);
create index wish_gathering on wish (gathering_id);
create index wish_about on wish (about);

-- Two persons who are never brought together at any gathering of the partner, or, without a second one, somebody who is
-- left out of the plans of one gathering.
create table ban (
    ban_id     uuid primary key, -- derived from the two: banning again is the same ban
    partner_id uuid        not null,
    one        uuid        not null, -- a registration; a pair is in ascending order
    other      uuid check (other > one),
    banned_at  timestamptz not null default now()
);
create index ban_one on ban (one);
create index ban_other on ban (other);
create index ban_partner on ban (partner_id);
