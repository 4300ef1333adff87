"""Amazon ECR, private and public, through AWS's API."""
