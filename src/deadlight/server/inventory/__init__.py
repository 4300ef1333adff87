"""What runs where: takes what controllers tell and turns it into rows and events."""
