"""Xray: JFrog's scanner beside Artifactory, asked through its REST API."""
