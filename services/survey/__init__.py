"""Survey: five questions at the end of the evening, and what the whole evening led to."""
