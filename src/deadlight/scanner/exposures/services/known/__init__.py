"""The services that are known, a file each."""
