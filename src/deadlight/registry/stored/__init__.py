"""Images in files, asked as registries are: OCI layouts in a folder or a tar, and what `docker save` writes.

`opening.open_stored_images` is the way in. Nothing is unpacked, and nothing is believed before it hashes to its digest.
"""
