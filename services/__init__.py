"""The four services. Each imports `shared` and itself, nothing else (tests/architecture holds it)."""
