"""The sensor, one process on each node: what do containers execute, map as code and open?

`bpf/` at the top of the repository is its kernel half; `layout` is what both agree on. A record goes from `ring`
through `decode`, `intake` (whose is it? `containers`, `cgroupfs`) and `observe` (one observation for many events) to
a `sink`. That of a service is `report`: `safekeeping` holds everything in a `journal` and a `spool` until a `courier`
has delivered it with `transport` and `credentials`; `heart` tells how the sensor is and fetches its `policy`.
`startup` adds what ran before. `probe`, `programs` and `kernel` load what this machine accepts; `watch` keeps it all
going.
"""
