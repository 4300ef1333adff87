"""Writes Java archives with the standard library's zipfile, so that reader and writer share no code."""

import io
import zipfile


def archive(files: dict[str, bytes | str], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return buffer.getvalue()


def properties(group: str, artifact: str, version: str) -> dict[str, bytes | str]:
    """The file in which an artifact says who it is."""
    text = f"#Created by a build\r\ngroupId={group}\r\nartifactId={artifact}\r\nversion={version}\r\n"
    return {f"META-INF/maven/{group}/{artifact}/pom.properties": text}


def manifest(**attributes: str) -> dict[str, bytes | str]:
    """A manifest; underscores in names stand for hyphens."""
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in attributes.items()]
    return {"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\r\n" + "".join(lines) + "\r\n"}
