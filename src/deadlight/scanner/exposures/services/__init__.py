"""Insecure settings of services: a file and a row of `table.SERVICES` for each service."""
