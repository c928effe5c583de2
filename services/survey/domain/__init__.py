"""The rules of the survey: questions, statistics that know their size, the funnel, and what to improve."""
