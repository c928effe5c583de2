create table ledger (meeting_id uuid not null, revision int not null, at timestamptz not null default now());
