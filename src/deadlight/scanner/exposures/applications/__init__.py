"""Insecure use of frameworks and libraries in the image's own Python and Node code."""
