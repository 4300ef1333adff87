"""Which vulnerabilities running images have, and how far each gets in the funnel."""
