"""The files that processes of each language really open lead to the packages they belong to.

The layouts are those that pip, npm, pnpm, Bundler, Composer, `dotnet publish`, Maven, Spring Boot, Go and Cargo leave
behind; the paths are those the kernel names when their programs run.
"""

import json
from collections.abc import Callable

import pytest
from tests.ecosystems.archive_builder import archive, manifest, properties
from tests.scanner.layer_builder import OS_RELEASE, LayerBuilder, status

from deadlight.scanner import FileIndex, squash

SITE = "usr/local/lib/python3.11/site-packages"
GEMS = "usr/local/bundle"
DOTNET = "usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1"


def python() -> LayerBuilder:
    """A plain package, one of a namespace without `__init__.py`, one in a file, one with an extension and a script."""
    layer = LayerBuilder()
    listed = {
        ("requests", "2.31.0"): ("requests/__init__.py", "requests/api.py", "requests/__pycache__/api.cpython-311.pyc"),
        ("google-auth", "2.0.0"): ("google/auth/__init__.py", "google/auth/transport/requests.py"),
        ("google-api-core", "2.1.0"): ("google/api_core/__init__.py",),
        ("six", "1.16.0"): ("six.py", "__pycache__/six.cpython-311.pyc"),
        ("numpy", "1.26.0"): ("numpy/core/_multiarray.cpython-311-x86_64-linux-gnu.so", "numpy.libs/libopenblas.so"),
        ("gunicorn", "21.2.0"): ("../../../bin/gunicorn", "gunicorn/app/wsgiapp.py"),
    }
    for (name, version), files in listed.items():
        info = f"{SITE}/{name.replace('-', '_')}-{version}.dist-info"
        layer.file(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        layer.file(f"{info}/RECORD", "".join(f"{file},,\n" for file in files))
        for file in files:
            layer.file(f"{SITE}/{file}" if not file.startswith("..") else "usr/local/bin/gunicorn")
    return layer


def distribution_python() -> LayerBuilder:
    """Debian lists sources; the byte code is compiled when the package is installed. /bin and /lib are links."""
    layer = LayerBuilder().file("etc/os-release", OS_RELEASE)
    layer.file("var/lib/dpkg/status", status(("python3-yaml", "6.0"), ("bash", "5.2"), ("libc6", "2.36")))
    source = "usr/lib/python3/dist-packages/yaml/loader.py"
    for name, path in (("python3-yaml", source), ("bash", "bin/bash"), ("libc6", "lib/x86_64-linux-gnu/libc.so.6")):
        layer.file(f"var/lib/dpkg/info/{name}.list", f"/.\n/{path}\n")
    for folder in ("bin", "lib"):
        layer.symlink(folder, f"usr/{folder}")
    for path in (source, "usr/bin/bash", "usr/lib/x86_64-linux-gnu/libc.so.6"):
        layer.file(path)
    return layer.symlink("usr/bin/sh", "bash").symlink("lib64", "usr/lib")


def node() -> LayerBuilder:
    """Nested and scoped modules, native ones, and pnpm's store behind links."""
    layer = LayerBuilder()
    store = "app/node_modules/.pnpm/ms@2.1.2/node_modules/ms"
    for folder, name, files in (
        ("app/node_modules/express", "express", ("lib/router/index.js",)),
        ("app/node_modules/express/node_modules/debug", "debug", ("src/node.js",)),
        ("app/node_modules/@babel/core", "@babel/core", ("lib/index.cjs", "lib/config/index.mjs")),
        ("app/node_modules/bcrypt", "bcrypt", ("lib/binding/napi-v3/bcrypt_lib.node", "package/package.json")),
        (store, "ms", ("index.js",)),
    ):
        layer.file(f"{folder}/package.json", json.dumps({"name": name, "version": "2.1.2"}))
        for file in files:
            layer.file(f"{folder}/{file}")
    return layer.symlink("app/node_modules/ms", ".pnpm/ms@2.1.2/node_modules/ms")


def java() -> LayerBuilder:
    """A jar alone, one of Spring Boot with jars inside, a shaded one, and a war that a server unpacked."""
    gson = archive(properties("com.google.code.gson", "gson", "2.8.0"))
    log4j = archive(properties("org.apache.logging.log4j", "log4j-core", "2.14.1"))
    boot = manifest(Start_Class="shop.Main") | {"BOOT-INF/lib/log4j-core-2.14.1.jar": log4j}
    shaded = properties("org.yaml", "snakeyaml", "1.30") | properties("com.fasterxml", "jackson", "2.9.0")
    layer = LayerBuilder().file("app/lib/gson-2.8.0.jar", gson).file("app/shop.jar", archive(boot))
    layer.file("app/all.jar", archive(shaded)).file("opt/tomcat/webapps/ROOT/WEB-INF/lib/gson.jar", gson)
    return layer.symlink("app/current.jar", "shop.jar")


def ruby() -> LayerBuilder:
    """Gems of Bundler with a compiled extension, and one that comes with Ruby."""
    layer = LayerBuilder()
    for name in ("rack-2.2.3", "nokogiri-1.13.0"):
        stub, _, version = name.partition("-")
        layer.file(f"{GEMS}/specifications/{name}.gemspec", f"# stub: {stub} {version} ruby lib\n")
        layer.file(f"{GEMS}/gems/{name}/lib/{stub}.rb")
    extension = f"{GEMS}/extensions/x86_64-linux/3.2.0/nokogiri-1.13.0"
    layer.file(f"{extension}/gem.build_complete").file(f"{extension}/nokogiri/nokogiri.so")
    default = "usr/local/lib/ruby/gems/3.2.0/specifications/default/json-2.6.3.gemspec"
    layer.file(default, '# stub: json 2.6.3 ruby lib\n  s.files = ["lib/json.rb".freeze, "lib/json/ext.rb".freeze]\n')
    return layer.file("usr/local/lib/ruby/3.2.0/json.rb").file("usr/local/lib/ruby/3.2.0/json/ext.rb")


def php() -> LayerBuilder:
    """Composer's vendor folder."""
    packages = [{"name": "monolog/monolog", "version": "2.9.1", "install-path": "../monolog/monolog"}]
    layer = LayerBuilder().file("app/vendor/composer/installed.json", json.dumps({"packages": packages}))
    layer.file("app/vendor/autoload.php").file("app/vendor/composer/ClassLoader.php")
    return layer.file("app/vendor/monolog/monolog/src/Monolog/Logger.php")


def dotnet() -> LayerBuilder:
    """A published application: assemblies beside it, translations and native parts below."""
    target = {
        "Newtonsoft.Json/13.0.1": {"runtime": {"lib/net6.0/Newtonsoft.Json.dll": {}}},
        "Humanizer/2.14.1": {"resources": {"lib/net6.0/de/Humanizer.resources.dll": {"locale": "de"}}},
        "SQLitePCLRaw/2.1.4": {"runtimeTargets": {"runtimes/linux-x64/native/libe_sqlite3.so": {}}},
    }
    libraries = {name: {"type": "package"} for name in target} | {"shop/1.0.0": {"type": "project"}}
    described = {"runtimeTarget": {"name": "net8"}, "targets": {"net8": target}, "libraries": libraries}
    layer = LayerBuilder().file("app/shop.deps.json", json.dumps(described)).file("app/shop.dll")
    for file in ("Newtonsoft.Json.dll", "de/Humanizer.resources.dll", "runtimes/linux-x64/native/libe_sqlite3.so"):
        layer.file(f"app/{file}")
    return layer


USED: list[tuple[Callable[[], LayerBuilder], dict[str, str]]] = [
    (
        python,
        {
            f"/{SITE}/requests/api.py": "requests",
            f"/{SITE}/requests/__pycache__/api.cpython-311.pyc": "requests",
            f"/{SITE}/requests/__pycache__/__init__.cpython-311.opt-1.pyc": "requests",
            f"/{SITE}/google/auth/transport/__pycache__/requests.cpython-311.pyc": "google-auth",
            f"/{SITE}/google/api_core/__init__.py": "google-api-core",
            f"/{SITE}/google/__pycache__/unknown.cpython-311.pyc": "",
            f"/{SITE}/six.pyc": "six",
            f"/{SITE}/numpy/core/_multiarray.cpython-311-x86_64-linux-gnu.so": "numpy",
            f"/{SITE}/numpy.libs/libopenblas.so": "numpy",
            "/usr/local/bin/gunicorn": "gunicorn",
            "/usr/local/lib/python3.11/json/__init__.py": "",
        },
    ),
    (
        distribution_python,
        {
            "/usr/lib/python3/dist-packages/yaml/__pycache__/loader.cpython-311.pyc": "python3-yaml",
            "/lib/python3/dist-packages/yaml/loader.py": "python3-yaml",
            "/usr/bin/bash": "bash",
            "/bin/bash": "bash",
            "/bin/sh": "bash",
            "/usr/bin/sh": "bash",
            "/lib64/x86_64-linux-gnu/libc.so.6": "libc6",
            "/usr/lib/../bin/./bash": "bash",
            "/data/bin/bash": "",
        },
    ),
    (
        node,
        {
            "/app/node_modules/express/lib/router/index.js": "express",
            "/app/node_modules/express/node_modules/debug/src/node.js": "debug",
            "/app/node_modules/@babel/core/lib/config/index.mjs": "@babel/core",
            "/app/node_modules/bcrypt/lib/binding/napi-v3/bcrypt_lib.node": "bcrypt",
            "/app/node_modules/.pnpm/ms@2.1.2/node_modules/ms/index.js": "ms",
            "/app/node_modules/ms/index.js": "ms",
            "/app/server.js": "",
        },
    ),
    (
        java,
        {
            "/app/lib/gson-2.8.0.jar": "com.google.code.gson:gson",
            "/app/shop.jar": "org.apache.logging.log4j:log4j-core",
            "/app/current.jar": "org.apache.logging.log4j:log4j-core",
            "/app/all.jar": "com.fasterxml:jackson org.yaml:snakeyaml",
            "/opt/tomcat/webapps/ROOT/WEB-INF/lib/gson.jar": "com.google.code.gson:gson",
        },
    ),
    (
        ruby,
        {
            f"/{GEMS}/gems/rack-2.2.3/lib/rack.rb": "rack",
            f"/{GEMS}/extensions/x86_64-linux/3.2.0/nokogiri-1.13.0/nokogiri/nokogiri.so": "nokogiri",
            "/usr/local/lib/ruby/3.2.0/json/ext.rb": "json",
            f"/{GEMS}/config": "",
        },
    ),
    (
        php,
        {
            "/app/vendor/monolog/monolog/src/Monolog/Logger.php": "monolog/monolog",
            "/app/vendor/autoload.php": "",
        },
    ),
    (
        dotnet,
        {
            "/app/Newtonsoft.Json.dll": "newtonsoft.json",
            "/app/de/Humanizer.resources.dll": "humanizer",
            "/app/runtimes/linux-x64/native/libe_sqlite3.so": "sqlitepclraw",
            "/app/shop.dll": "",
        },
    ),
]


@pytest.mark.req("R18")
@pytest.mark.parametrize(("layout", "expected"), USED, ids=lambda item: getattr(item, "__name__", ""))
def test_what_a_process_opens_is_its_packages(layout: Callable[[], LayerBuilder], expected: dict[str, str]) -> None:
    contents = squash([layout().scan()])
    names = {item.package.purl: item.package.name for item in contents.packages}
    for index in (FileIndex.of(contents), FileIndex.from_bytes(FileIndex.of(contents).to_bytes())):
        found = {path: " ".join(sorted(names[purl] for purl in index.find(path))) for path in expected}
        assert found == expected
