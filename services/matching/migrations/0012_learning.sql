-- Weights that follow what people were glad of, per partner.

create table learned (
    partner_id  uuid        not null,
    version     int         not null,
    learned_at  timestamptz not null,
    labels      int         not null, -- how many it was learnt from
    people      uuid[]      not null, -- the registrations behind them
    prior       jsonb       not null, -- frozen copy: {constant: points as set by hand}
    multipliers jsonb,                -- {constant: multiplier}; null: somebody behind it was erased, and it with them
    changes     jsonb       not null, -- [{ja, en}], against the version before
    primary key (partner_id, version)
);

-- Partners whose labels changed.
create table learning_due (
    partner_id uuid primary key,
    due_at     timestamptz not null,
    changes    bigint      not null default 1 -- counts what made it due, so that none is lost while learning goes on
);
