-- What the report shows of an answer: its state when at least five new or changed ones were told together. Whoever reads
-- the report before and after one person answers must not see the difference.
alter table response add column told jsonb; -- answers, free_text, quotable; null: not shown yet
alter table response add column waits boolean not null default true; -- new or changed since it was told

update response set told = jsonb_build_object('answers', answers, 'free_text', free_text, 'quotable', quotable), waits = false;
