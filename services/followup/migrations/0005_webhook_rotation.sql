-- While a partner moves to a new secret, calls are signed with the former one too.
alter table webhook
    add former_secret text,
    add former_until  timestamptz;
