"""Pages for attendees and organisers, by signed link: phone first, no script; looking changes nothing."""
