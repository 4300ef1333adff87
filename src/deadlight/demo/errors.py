"""What can go wrong in the demonstration."""


class DemoError(Exception):
    """The demonstration cannot start or go on; the message says what to do."""


class RemovedError(DemoError):
    """Somebody removed the demonstration from the service: the regular end of everything here."""
