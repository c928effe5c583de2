"""Every SQL statement of survey, beside its typed function: facts from topics, surveys and their answers."""
