"""What travels between services and to downstream consumers: one module per topic, the envelope and the catalogue."""
