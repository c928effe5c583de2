-- Whom an attendee's page does not name among whom to meet: matching said so, and not why.
create table unlisted (
    registration_id uuid primary key,
    revision        int    not null,
    others          uuid[] not null
);
