-- What is told and done goes after a while. That a step fired must outlive its due item: no step comes twice.
alter table followup add fired smallint[]; -- steps whose due items are forgotten
create index report_undone on report (undone_at) where undone_at is not null;
create index reminder_over on reminder (until_at) where kind <> 'own_task';
