"""PostgreSQL: engines, notifications and bulk parameters. Knows no table."""
