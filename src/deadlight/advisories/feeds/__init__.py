"""Public sources of advisories and of what is known about CVEs: a file each, and a row each in `table.FEEDS`.

A feed is visited: it asks its source for what is new since a checkpoint and leaves that in a file, which a reader that
knows no network then yields one record after the other. Neither knows the database.
"""
