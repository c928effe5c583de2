-- What people told us on their own page holds wherever they are registered, now and later: it is the person's.
alter table preference rename to preference_of_registration;
create table preference (
    person_id       uuid primary key,
    stopped_at      timestamptz, -- since when no reminders are wanted
    news_stopped_at timestamptz, -- since when no news of organisers: another channel, with an opt-out of its own
    quiet_from      time not null default '21:00',
    quiet_until     time not null default '08:00',
    away_from       date,
    away_until      date
);
-- Registration ids rise with time: the newest hours count, and any stop, because taking it back cleared them all.
insert into preference (person_id, stopped_at, quiet_from, quiet_until, away_from, away_until)
select r.person_id, min(p.stopped_at), (array_agg(p.quiet_from order by p.registration_id desc))[1],
    (array_agg(p.quiet_until order by p.registration_id desc))[1],
    (array_agg(p.away_from order by p.registration_id desc))[1],
    (array_agg(p.away_until order by p.registration_id desc))[1]
from preference_of_registration as p join registration as r using (registration_id) group by r.person_id;
drop table preference_of_registration;

-- Who is named in other people's introductions, for erasure.
create index matched_introductions on matched using gin (introductions jsonb_path_ops);
