"""A stand-in for a Kubernetes API server: for demonstrations and tests, never a cluster.

It honours what clients of a real server depend on, for the kinds a controller watches: versions that only grow, lists
in pages, streaming lists, watches over a bounded history with bookmarks, both forms of 410, clean closes, the four
kinds of 409, bearer tokens. Nothing runs in it: `controllers` writes what the controllers and kubelets of a real
cluster would write. Its `/version` ends in `+deadlight-demonstration`, so that nobody takes it for the real thing.

`Cluster` (in `store`) is driven in process or over HTTP (`server`); `kubeconfig` writes the file that leads to it.
"""
