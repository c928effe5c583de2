"""A real gathering, played through the public doors. What the demo shows, the journey test asserts."""
