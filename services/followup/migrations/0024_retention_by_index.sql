-- What is old is found without reading whole tables, every hour. Firing writes no entry here but for what it skips: what
-- nobody was told of yet is in due_item_open. (A BRIN index would widen for ever where rows that went make room for new.)
create index due_item_told on due_item (fired_at) where delivery_id is not null or skipped;
create index delivery_over on delivery (coalesce(ended_at, created_at)) where state not in ('queued', 'sending', 'data');
