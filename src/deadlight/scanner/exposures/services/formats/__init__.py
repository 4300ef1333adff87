"""Readers of the formats that services are configured in: text -> settings. Linear in time, bounded in depth."""
