-- How glad people were of meetings drawn by lot and of the others, when a version was learned. Null: too few, or withdrawn.
alter table learned add column evidence jsonb;
