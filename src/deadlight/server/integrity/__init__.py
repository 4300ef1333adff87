"""Every running image, compared with the registry it came from: verdicts, violations, evidence."""
