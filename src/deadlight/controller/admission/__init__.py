"""Optional: learns from the API server itself who deploys what. It allows everything and changes nothing.

Imported only where it is switched on: a web server costs an idle controller several megabytes.
"""
