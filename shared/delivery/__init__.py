"""Effectively-once delivery: inbox, outbox, relay, batch consumer, dead letters. See docs/delivery.md."""
