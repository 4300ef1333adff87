"""Cluster Management: how the agents of every cluster fare, what is scanned there, and how a cluster is installed."""
