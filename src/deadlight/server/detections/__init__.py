"""Threats that sensors detect: kept, told of and dealt with; and what sensors look for and stop."""
