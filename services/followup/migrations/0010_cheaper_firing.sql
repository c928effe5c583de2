-- Firing writes an index entry for each item that nobody was told of. By the time of firing they all go to the index's
-- end, by owner they go all over it, which was an eighth of what firing costs.
drop index due_item_open;
create index due_item_open on due_item (fired_at) where delivery_id is null and not skipped;
-- What a lost message told is looked for by its delivery, and whose letters wait by the person.
create index due_item_delivery on due_item (delivery_id) where delivery_id is not null;
create index if not exists contact_person on contact (person_id);
-- The statement that fires computes the event's id itself: a function in SQL costs more than the rest of the row.
drop function due_event_id(uuid, int, int);
