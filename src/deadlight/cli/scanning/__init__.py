"""What `deadlight scan` does: asks a service (`by_service`) or reads the image in this process (`here`).

`here` and what it imports need the libraries that `deadlight[scan]` names; the rest needs none of them.
"""
