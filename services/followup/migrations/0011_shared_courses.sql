-- How follow-ups travel from the program into the tables: what is known of each, and their courses apart, because the two
-- sides of a meeting and all who met in one round share one. followup_row and plan_row stay for replicas that still run
-- the former program.
create type followup_known as (
    id uuid, gathering_id uuid, meeting_id uuid, owner uuid, other uuid, met_at timestamptz, known_at timestamptz,
    met_revision int, mutual_interest bool, policy int, paused_until timestamptz, expired_at timestamptz,
    revision int, plan_revision int, course int
);
create type followup_course as (
    deadline_at timestamptz, late bool, state text, state_since timestamptz, occurred_at timestamptz, outcome text,
    first_touch_at timestamptz, appointment_at timestamptz, closed bool, expires_at timestamptz,
    steps smallint[], kinds text[], due timestamptz[], until timestamptz[]
);
