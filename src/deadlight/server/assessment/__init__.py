"""The lists and pages people look at, and the public Runtime API over the same queries."""
