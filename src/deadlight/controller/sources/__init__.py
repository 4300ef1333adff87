"""Where a controller's inventory comes from: one package per kind of cluster."""
