"""The rules of registration: gatherings, admission, and what may be asked of a registration."""
