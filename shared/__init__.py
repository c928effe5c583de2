"""What every service stands on: contracts, delivery and platform. Imports nothing from `services`."""
