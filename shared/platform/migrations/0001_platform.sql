-- Who may call, and what was answered before.

create table partner_revision (
    partner_id uuid primary key,
    revision   int not null
);

create table api_key (
    key_id     text primary key,
    partner_id uuid   not null references partner_revision on delete cascade,
    sha256     bytea  not null,
    scopes     text[] not null,
    expires_at timestamptz
);
create index api_key_partner on api_key (partner_id);

create table idempotency (
    partner_id  uuid        not null,
    key         text        not null,
    fingerprint bytea       not null, -- sha256 of method, path and body
    status      int,
    body        bytea,
    created_at  timestamptz not null default now(),
    primary key (partner_id, key)
);
create index idempotency_created_at on idempotency (created_at);
