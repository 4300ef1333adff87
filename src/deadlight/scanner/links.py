"""Symbolic links of an image as far as paths are looked up later: where each leads to, resolved once."""

from collections.abc import Iterator, Mapping

from deadlight.scanner.filesystem import FileSystem, Symlink


def iter_links(tree: FileSystem) -> Iterator[tuple[str, str]]:
    """Links to files and folders that are there, with what they lead to.

    A link's own path has no other link in it, and what it leads to is a real path.

    Raises:
        ImageTooLargeError: they take too many steps to follow.
    """
    for path, node in tree.iter_nodes():
        if isinstance(node, Symlink) and (target := find_target(tree, path)) is not None:
            yield path, target


def find_target(tree: FileSystem, link: str) -> str | None:
    """The real path of what a symbolic link leads to; None where that is nothing."""
    file = tree.find_file(link, follow=True)
    return file[0] if file else tree.find_folder(link)


def resolve(path: str, links: Mapping[str, str]) -> str:
    """The real path of an absolute one, as far as the image has it.

    What links lead to is stored resolved, so that one step follows any chain of them.
    """
    real = ""
    for name in path.split("/") if path.startswith("/") else ():
        if name == "..":
            real = real.rpartition("/")[0]
        elif name not in {"", "."}:
            real = f"{real}/{name}"
            real = links.get(real, real)
    return real or path
