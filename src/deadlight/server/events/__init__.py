"""The transactional outbox: facts recorded with the change that made them true, handled in order per key."""
