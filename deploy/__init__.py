"""How Enishi runs: the local stack without Docker, and the manifests for one host and for many."""
