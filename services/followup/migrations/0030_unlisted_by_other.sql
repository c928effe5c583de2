-- Whose pages leave somebody out, for erasure.
create index unlisted_others on unlisted using gin (others);
