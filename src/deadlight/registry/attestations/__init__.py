"""Signatures and provenance that are attached to an image: found, read and verified.

`attached.collect` asks the registry, `evidence.assess` concludes. Nothing found here changes an integrity verdict; it
is evidence of who built an image.
"""
