"""Exposures of images: secrets, and insecure settings of services, applications and infrastructure as code."""
