"""The command line: user commands over the REST API, and the starter of the other processes."""
