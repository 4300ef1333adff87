"""Which files may hold somebody's own secrets, told by their paths (relative to the root, no leading slash)."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BINARY = _words("""
    7z a apk avi avif bin bmp br bz2 cab class crx db deb dex dll dylib ear eot exe flac gif gmo gz h5 heic ico
    icns iso jar jpeg jpg kdb la lib lz4 lzma mkv mo mov mp3 mp4 mpeg msi node o odt ogg onnx otf parquet pack
    pak pb pcap pdf png pt pyc pyd pyo rpm safetensors so sqlite sqlite3 svgz swf tar tgz tif tiff ttc ttf wasm
    wav webm webp whl woff woff2 war xls xlsx xz zip zst doc docx ppt pptx
""")
_NO_SECRETS = _words("""
    css less scss po pot hpp hxx sum lock svg xsd xsl dtd tzdata ics ipp tcc pxd pyi
""")
"""Text, in which nobody writes secrets; `lock` has digests, which look like them."""

_PACKAGE_FOLDERS = _words("""
    site-packages dist-packages node_modules bower_components jspm_packages __pycache__ .cache conda-meta
""")
_SYSTEM = re.compile(
    r"""(?:proc|sys|dev)/|
    (?:usr/(?:local/)?)?(?:lib|lib64|lib32|libx32)/(?:python|x86_64-|aarch64-|arm-|i386-|gcc|jvm|git-core|systemd|
        modules|udev|ruby|perl|php|go|node|ssl/misc|apt|dpkg|rpm|locale|os-release|rustlib|tcl|tk|erlang|R)|
    usr/(?:local/)?(?:include|go)/|
    usr/(?:local/)?share/(?:doc|man|info|locale|zoneinfo|i18n|perl|python|vim|icons|fonts|mime|terminfo|gtk|help|
        licenses|ca-certificates|bash-completion|zsh|fish|misc|pixmaps|lintian|debhelper|dpkg|base-files|keyrings|
        common-licenses|java|maven-repo|nodejs|javascript|php|ruby|gems|rubygems|groff|hwdata|X11|xml|sgml|tabset|awk|
        gcc|gdb|git-core|cmake|aclocal|autoconf|automake|pkgconfig|swig|bug|menu|readline|defaults|console)|
    var/(?:lib/(?:dpkg|apt|rpm|pacman|apk|dnf|yum|gems|python|systemd)|cache|log/(?:dpkg|apt))|
    lib/apk/|etc/(?:ssl/certs|pki/(?:ca-trust|tls/certs)|ca-certificates|alternatives|rc\d\.d)/|
    opt/(?:java|conda/(?:lib|pkgs|share)|hostedtoolcache)/""",
    re.VERBOSE,
)
"""Where distributions and toolchains put their own, from the root."""

_NESTED_FOLDERS = _words("""
    .git .yarn gems ruby perl perl5 vendor pkg .cargo cargo .rustup rustup .m2 .gradle .nuget .npm lib lib64
""")
_NESTED = re.compile(
    r"""(?:^|/)(?:
        lib(?:64)?/python\d[\w.]*|\.git/(?:objects|lfs)|\.yarn/(?:cache|releases|plugins)|gems/[^/]+-\d[^/]*|
        ruby/\d[\w.]*|perl5?/\d[\w.]*|vendor/bundle|vendor/(?:github\.com|golang\.org|k8s\.io|google\.golang\.org|
        gopkg\.in)|pkg/mod|\.?cargo/registry|\.rustup|rustup/toolchains|\.m2/repository|\.gradle/caches|
        \.nuget/packages|\.npm/_cacache
        )/""",
    re.VERBOSE,
)
"""Where package managers put what they fetched, wherever they are told to."""

_MADE_UP = re.compile(
    r"(?i)(?:^|/)(?:tests?|testing|testdata|test[-_]data|specs?|__tests__|__mocks__|mocks?|fixtures?|examples?|samples?|"
    r"docs?|documentation|e2e|cypress)/|"
    r"(?:^|/)(?:test_[^/]*|[^/]*[_.\-](?:test|spec|example|sample|template|dist|tmpl|tpl|in))(?:\.\w+)?$|"
    r"\.(?:md|rst|adoc|textile|tmpl|tpl|j2|jinja2?|example|sample|template)$"
)
_STORE = re.compile(r"(?i)\.(?:p12|pfx|jks|jceks|bks|keystore|kdbx|ppk|pk8)$")
_NAMED = re.compile(
    r"""(?i)(?:^|/)(?:\.?(?:netrc|_netrc|pgpass|npmrc|pypirc|htpasswd|git-credentials|my\.cnf|s3cfg|boto|dockercfg|env)|
        \.env\.\w+|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|credentials(?:\.json|\.xml|\.properties)?|secrets?\.\w+|
        \.docker/config\.json|\.kube/config|kubeconfig|service[-_]?account[^/]*\.json|wp-config\.php|ssh_host_\w+_key)$|
        \.(?:pem|key|asc|gpg|der|tfstate|tfvars|ovpn|agekey)$""",
    re.VERBOSE,
)


def may_hold_secrets(path: str) -> bool:
    """Whether a file is read at all."""
    name = path.rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if extension in _BINARY or extension in _NO_SECRETS or ".so." in name:
        return False
    return not is_of_a_package(path)


def is_of_a_package(path: str) -> bool:
    """Whether a file lies in a folder that a package manager or a toolchain fills: not its owner's to revoke."""
    folders = path.split("/")
    return (
        not _PACKAGE_FOLDERS.isdisjoint(folders)
        or _SYSTEM.match(path) is not None
        or (not _NESTED_FOLDERS.isdisjoint(folders) and _NESTED.search(path) is not None)
    )


def is_made_up(path: str) -> bool:
    """Whether a file is of tests, documentation or examples, or a template."""
    return _MADE_UP.search(path) is not None


def is_key_store(path: str) -> bool:
    """Whether a file's name says that it is a container of keys that is not text."""
    return _STORE.search(path) is not None


def is_named_for_secrets(path: str) -> bool:
    """Whether a file's name alone says that it holds secrets: one that is left out is worth a word."""
    return (_STORE.search(path) or _NAMED.search(path)) is not None and not is_of_a_package(path)
