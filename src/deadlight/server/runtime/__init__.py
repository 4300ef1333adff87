"""What sensors saw: observations, and the packages they prove to be in use."""
