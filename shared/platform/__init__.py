"""What every service runs on: settings, database, HTTP, authentication, logs, metrics, traces, the process itself."""
