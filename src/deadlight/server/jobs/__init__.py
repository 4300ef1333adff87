"""Durable work on PostgreSQL: whatever talks to the world or takes long."""
