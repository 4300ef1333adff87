"""What is in images that tests build: package databases as the package managers write them."""

from collections.abc import Mapping

from deadlight.demo.images import BuiltImage, Entry, ImageSpec, Layer, build_image

OWNER = "Ada <ada@example.com>"
"""Who built the images of tests, as their labels say."""

LABELS = {
    "org.opencontainers.image.authors": OWNER,
    "org.opencontainers.image.source": "https://git.example.com/shop/web",
}


def image(*layers: Layer, labels: Mapping[str, str] | None = None, **more: object) -> BuiltImage:
    """An image of some layers, lowest first."""
    return build_image(ImageSpec(layers=layers, labels=LABELS if labels is None else labels, **more))  # type: ignore[arg-type]  # any field


def text_image(text: str) -> BuiltImage:
    """An image that differs from others by a text, and has nothing else to scan."""
    return image({"etc/text": text.encode()})


def debian(packages: Mapping[str, str], files: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, Entry]:
    """A Debian 12 with packages in versions; `files` are those that belong to one, which are there too."""
    status = "".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
        for name, version in packages.items()
    )
    layer: dict[str, Entry] = {
        "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
        "var/lib/dpkg/status": status.encode(),
    }
    for name, paths in (files or {}).items():
        layer[f"var/lib/dpkg/info/{name}.list"] = "".join(f"{path}\n" for path in paths).encode()
        layer |= {path.lstrip("/"): name.encode() for path in paths}
    return layer


def alpine(packages: Mapping[str, str]) -> dict[str, Entry]:
    """An Alpine 3.19 with packages in versions, each its own source package."""
    entries = "".join(f"P:{name}\nV:{version}\nA:x86_64\no:{name}\n\n" for name, version in packages.items())
    return {"etc/os-release": b"ID=alpine\nVERSION_ID=3.19.1\n", "lib/apk/db/installed": entries.encode()}


SITE = "usr/local/lib/python3.12/site-packages"


def python(name: str, version: str, *, site: str = SITE) -> dict[str, Entry]:
    """A Python distribution with one module of its name."""
    folder = f"{name}-{version}.dist-info"
    return {
        f"{site}/{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{site}/{folder}/RECORD": f"{name}/__init__.py,,\n{folder}/METADATA,,\n".encode(),
        f"{site}/{name}/__init__.py": b"",
    }
