"""Harbor: projects with robots, immutability rules, an audit log and caches of other registries."""
