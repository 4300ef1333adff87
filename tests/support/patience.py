"""How long a test waits for what has to happen: only a failure takes that long, and a loaded machine never does."""

PATIENCE_SECONDS = 60.0
