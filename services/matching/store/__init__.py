"""Every SQL statement of matching, beside its typed function: facts from topics, plans, meetings."""
