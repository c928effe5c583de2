-- Old claims are found by a tree. Of a BRIN index each range would widen for ever, once new rows lie where old ones went,
-- and every hour the whole table would be read.
drop index inbox_received_at;
create index inbox_received_at on inbox (received_at);
