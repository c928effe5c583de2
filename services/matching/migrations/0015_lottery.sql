-- Pairs whose meeting was made likelier by lot, with the chance that each had: an unbiased sample of all pairs.
create table drawn_pair (
    gathering_id   uuid   not null,
    one            uuid   not null,
    other          uuid   not null check (other > one),
    log_propensity float8 not null,
    primary key (one, other)
);
create index drawn_pair_other on drawn_pair (other);
create index drawn_pair_gathering on drawn_pair (gathering_id);
