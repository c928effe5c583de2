-- What something was worth, as its owner writes it: for their own eyes, on no topic and at no partner's door.
alter table report add amount text; -- personal data

create index registration_gathering on registration (gathering_id);
