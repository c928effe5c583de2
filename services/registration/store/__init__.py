"""Every SQL statement of registration, beside its typed function: partners, gatherings, registrations."""
