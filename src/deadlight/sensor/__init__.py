"""The sensor, one process on each node: what do containers execute, map as code and open?

`bpf/` at the top of the repository is its kernel half; `layout` is what both agree on. A record goes from `ring`
through `decode`, `intake` (whose is it? `containers`, `cgroupfs`) and `observe` (one observation for many events) to
a `sink`: `report` delivers to the service with `transport` and `credentials`. `startup` adds what ran before. `probe`,
`programs` and `kernel` load what this machine accepts; `watch` keeps it all going.
"""
