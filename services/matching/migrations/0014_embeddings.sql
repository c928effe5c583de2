-- Vectors of attendees' words from the operator's own embedding endpoint, where there is one.
-- By registration as well as by text, so that consent and erasure reach every vector of a person.
create table embedding (
    registration_id uuid  not null,
    sha256          bytea not null, -- of model and text
    vector          bytea not null, -- float32, little-endian
    primary key (registration_id, sha256)
);
create index embedding_sha256 on embedding (sha256);
