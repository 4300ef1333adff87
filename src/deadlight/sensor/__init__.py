"""The sensor, one process on each node: what do containers execute, map as code and open?

`bpf/` at the top of the repository is its kernel half; `layout` is what both agree on. A record goes from `ring`
through `decode` and `intake` (whose is it? `containers`, `cgroupfs`; who did it? `processes`, whose arguments `redact`
has gone through) to `observe`, which makes one observation of many events and waits for the `hashing` of what was
executed, and to `activities`, which holds to the rules what `glance` does not dismiss. `coverage` notes how completely
each container is watched. All of it goes to a `sink`. That of a service is `report`: `safekeeping` holds everything in
a `journal` and a `spool` until a `courier` has delivered it with `transport` and `credentials`; `heart` tells how the
sensor is and fetches its `policy`. `startup` adds what ran before, `blocking` says where programs are stopped. `probe`,
`programs` and `kernel` load what this machine accepts; `watch` keeps it all going.
"""
