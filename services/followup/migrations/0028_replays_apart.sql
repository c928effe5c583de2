-- When what was sent was last sent again: each time may be thousands of calls.
alter table webhook add replayed_at timestamptz;
