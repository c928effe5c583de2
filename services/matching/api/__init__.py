"""HTTP for partners: routes and models, no SQL, no rules. A module per subject."""
