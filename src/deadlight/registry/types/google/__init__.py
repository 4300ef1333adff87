"""Google Artifact Registry."""
