-- A tight bound and what each rule costs, computed when asked for and when no plan waits.
alter table plan add column audit_asked_at timestamptz;
alter table plan add column audit jsonb;
create index plan_audit on plan (audit_asked_at) where audit_asked_at is not null and audit is null;
