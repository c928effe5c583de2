-- Nobody is sent to a survey that takes no more answers, whenever its link became known.
create table survey_closed (
    gathering_id uuid primary key
);
