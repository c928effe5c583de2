-- Whom somebody's pages do not name among whom to meet, as `unlisted` last said.
create table unlisted (
    registration_id uuid primary key,
    gathering_id    uuid   not null,
    revision        int    not null, -- 0: nothing was said yet
    others          uuid[] not null  -- in ascending order
);
create index unlisted_gathering on unlisted (gathering_id);
