"""A Kubernetes cluster as a source of inventory: get, list and watch, never a write.

From the wire inwards: `kubeconfig`, `incluster` and `execplugin` say where the API server is and who asks (`access`);
`api` asks; `events` and `objects` decode; `reflector` follows one kind through every way a stream can end; `records`
and `owners` translate; `view` keeps the cluster as wire records; `source` puts them together.
"""
