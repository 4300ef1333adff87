"""Threat rules: data that says what an attack looks like, and the engine that compares what containers do with it."""
