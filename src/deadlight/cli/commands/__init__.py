"""The commands that ask a service, by subject; `cli.main` has the table of all."""
