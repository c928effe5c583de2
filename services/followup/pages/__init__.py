"""Pages of attendees about what they promised, by signed link: phone first, no script; looking changes nothing."""
