"""Workers: which events reach whom, and proof that they did."""
