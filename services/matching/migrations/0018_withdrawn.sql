-- Who withdrew the consent that their words are shown: an older profile that comes again must not bring them back.
create table withdrawn (
    registration_id uuid primary key,
    revision        int         not null, -- of the newest profile that was known; 0: of none
    withdrawn_at    timestamptz not null  -- when the tombstone was written: what was written before it is older
);
