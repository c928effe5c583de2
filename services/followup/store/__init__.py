"""Every SQL statement of follow-up: facts as they came, follow-ups and timers, what pages and partners read."""
