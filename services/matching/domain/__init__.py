"""The rules of matching, pure: text to tags, the score, introductions, seats, bounds and the validator."""
