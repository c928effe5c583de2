"""HTTP for partners: a module for each of the things they have: tags, gatherings, registrations."""
