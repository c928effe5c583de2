-- A fact that comes after its gathering's tombstone brings nothing back.
create table erased_gathering (
    id uuid primary key
);
