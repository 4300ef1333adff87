"""What was opened, and what of that shows a use."""

import pytest

from deadlight.model.observation import Grade
from deadlight.server.runtime.proof import file_of, proves_use


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/app/a.jar", "/app/a.jar"),
        ("/app/a.jar!/org/A.class", "/app/a.jar"),
        ("/app/A.JAR!/BOOT-INF/lib/b.jar!/org/B.class", "/app/A.JAR"),
        ("/app/what!/a.txt", "/app/what!/a.txt"),
    ],
)
def test_an_entry_belongs_to_the_archive_it_lies_in(path, file):
    assert file_of(path) == file


@pytest.mark.parametrize(
    ("grade", "path", "proof"),
    [
        (Grade.OPENED, "/app/a.jar", False),
        (Grade.OPENED, "/app/a.war", False),
        (Grade.OPENED, "/app/what!/a.jar", False),
        (Grade.OPENED, "/app/a.jar!/org/A.class", True),
        (Grade.OPENED, "/app/a.jar!/BOOT-INF/lib/b.jar!/org/B.class", True),
        (Grade.MAPPED, "/app/a.jar", True),
        (Grade.OPENED, "/site/attrs-1.dist-info/entry_points.txt", False),
        (Grade.OPENED, "/usr/bin/ldd", False),
        (Grade.EXECUTED, "/usr/bin/ldd", True),
        (Grade.OPENED, "/usr/share/ldd", True),
        (Grade.OPENED, "/etc/ssl/openssl.cnf", True),
    ],
)
def test_what_is_only_looked_at_is_not_used(grade, path, proof):
    assert proves_use(grade, path, "node", ("/usr/bin/node", "main.js")) is proof


@pytest.mark.parametrize(
    ("process", "arguments"),
    [
        ("python3", ("/usr/bin/python3", "/usr/bin/a-long-named-script", "-v")),
        ("python3", ("python3", "/bin/a-long-named-script")),
        ("a-long-named-sc", ("a-long-named-sc",)),
    ],
)
def test_a_script_is_used_by_whoever_runs_it(process, arguments):
    assert proves_use(Grade.OPENED, "/usr/bin/a-long-named-script", process, arguments)
