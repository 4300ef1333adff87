"""Artifactory: files and folders behind the distribution API, with builds, caches and a trash can."""
