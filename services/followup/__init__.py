"""Follow-up: what attendees promised each other gets done, within 24 hours, and nobody is spammed."""
