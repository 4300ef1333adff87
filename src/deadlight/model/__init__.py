"""The nouns every room shares: frozen values and enums, no behaviour beyond parsing and printing themselves.

Nothing here knows the database, the web or the network. `wire` holds the messages between agents and the service.
"""
