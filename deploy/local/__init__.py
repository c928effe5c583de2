"""The whole system on one machine without Docker: real Kafka, real PostgreSQL, the four services."""
