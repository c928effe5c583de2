"""Registration: gatherings, who comes and why, and the partner platforms that send them."""
