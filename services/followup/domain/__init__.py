"""The rules of follow-up, pure: no I/O, no clock, no randomness."""
