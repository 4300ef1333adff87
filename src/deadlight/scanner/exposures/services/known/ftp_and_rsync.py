"""vsftpd and rsyncd.

https://security.appspot.com/vsftpd/vsftpd_conf.html, https://download.samba.org/pub/rsync/rsyncd.conf.5
"""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import last_is_off, last_is_on
from deadlight.scanner.exposures.services.formats.lines import read_assignments
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.setting import Setting


def _anonymous_upload(configuration: Configuration) -> Iterator[Node]:
    if list(last_is_on("anonymous_enable")(configuration)):
        yield from last_is_on("anon_upload_enable")(configuration)


def _read_modules(_: str, text: str) -> Iterator[Setting]:
    """Names of several words get underscores, after the module: `backup.read_only`."""
    yield from read_assignments("\n".join(_joined(line) for line in text.split("\n")))


def _joined(line: str) -> str:
    name, equals, value = line.partition("=")
    return f"{'_'.join(name.lower().split())} = {value}" if equals else line


def _open_modules(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.nodes:
        module, _, name = node.name.rpartition(".")
        guards = (f"{prefix}{guard}" for prefix in ("", f"{module}.") for guard in ("auth_users", "hosts_allow"))
        if name == "read_only" and node.is_off and not configuration.named(*guards):
            yield node


RSYNCD = Service(
    name="rsyncd",
    paths=pattern(r"(?:.*/)?rsyncd[^/]*\.conf"),
    read=_read_modules,
    keep=pattern(r"(?:.*\.)?(?:read_only|auth_users|hosts_allow)"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-rsyncd-open",
                Severity.HIGH,
                "rsyncd lets anybody write",
                "A module that can be written to has neither users nor a list of addresses.",
                "Write `auth users = NAME` with `secrets file`, or `hosts allow`.",
                "CWE-306",
            ),
            _open_modules,
        ),
    ),
)
"""The row of rsyncd."""


VSFTPD = Service(
    name="vsftpd",
    paths=pattern(r"(?:.*/)?vsftpd[^/]*\.conf"),
    read=lambda _, text: read_assignments(text),
    keep=pattern("anonymous_enable|anon_upload_enable|ssl_enable|ssl_tlsv1|ssl_sslv[23]"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-vsftpd-anonymous-upload",
                Severity.HIGH,
                "vsftpd lets anybody write",
                "Visitors without a name may upload files.",
                "Write `anon_upload_enable=NO`.",
                "CWE-306",
            ),
            _anonymous_upload,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-vsftpd-anonymous",
                Severity.MEDIUM,
                "vsftpd lets anybody in",
                "Visitors without a name may read files.",
                "Write `anonymous_enable=NO`.",
                "CWE-306",
            ),
            last_is_on("anonymous_enable"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-vsftpd-no-tls",
                Severity.MEDIUM,
                "vsftpd speaks without TLS",
                "TLS is switched off by name: passwords and files travel in clear text.",
                "Write `ssl_enable=YES` and `force_local_logins_ssl=YES`.",
                "CWE-319",
            ),
            last_is_off("ssl_enable"),
            spares_shipped=True,
        ),
    ),
)
"""The row of vsftpd."""
