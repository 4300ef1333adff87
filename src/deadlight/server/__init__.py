"""The service: one process on one machine or any number of stateless replicas on one PostgreSQL.

`composition` builds and runs it, `app` mounts the routes, `subscriptions` says which handlers follow which event and
`schedule` what happens by itself. Every other folder is a foundation or one capability; ARCHITECTURE.md draws their
order.
"""
