"""What goes wrong in the sensor."""


class SensorError(Exception):
    """Base of the sensor's errors; the message says what is missing and what to do."""
