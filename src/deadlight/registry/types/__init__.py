"""What registries know beyond the distribution API: one file and one row of the table per type."""
