"""Which files are infrastructure as code, and that none of their secrets is kept."""

import pytest

from deadlight.ecosystems import UnreadableFileError
from deadlight.scanner.exposures.iac.files import MAX_BYTES, MAX_LINE, take, wants

POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: nginx@sha256:" + "0a" * 32 + "\n"


@pytest.mark.parametrize(
    "path", ["main.tf", "a/b.tf.json", "deploy/pod.yml", "Dockerfile", "build/Dockerfile.prod", "app.Containerfile"]
)
def test_infrastructure_is_wanted(path: str) -> None:
    assert wants(path)


@pytest.mark.parametrize(
    "path",
    ["app/node_modules/a/b.yaml", "usr/share/doc/x/pod.yaml", "a/.terraform/m/main.tf", "app/tests/pod.yaml", "x.py"],
)
def test_what_is_not_the_builder_s_own_is_not_wanted(path: str) -> None:
    assert not wants(path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a/config.yaml", "name: x\n"),
        ("a/kubeconfig.yaml", "apiVersion: v1\nkind: Config\n"),
        ("a/templates/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Name }}}\n"),
        ("a/secret.json", '{"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ=="}}'),
        ("package.json", '{"name": "a", "version": "1"}'),
    ],
)
def test_other_documents_are_of_no_interest(path: str, text: str) -> None:
    assert take(path, text.encode()) is None


def test_what_is_judged_stays_as_it_was() -> None:
    for path, text in (
        ("pod.yaml", POD),
        ("main.tf", 'resource "aws_db_instance" "a" {\n  password = var.password\n  publicly_accessible = true\n}\n'),
        ("stack.yaml", "Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Properties: {SecretArn: !Ref S}\n"),
        ("Dockerfile", "FROM debian:12\nARG TOKEN\nUSER app\n"),
    ):
        assert take(path, text.encode()) == text.encode()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("main.tf", 'x = {\n  db_password = "SECRET"\n}'),
        ("main.tf", 'url = "postgres://u:SECRET@db/x"'),
        ("main.tf", 'variable "db_password" {\n  default = "SECRET"\n}'),
        ("main.tf", 'access_key = "AKIASECRETSECRET1234"'),
        ("main.tf", 'note = "ghp_0123456789SECRETabcdefghij"'),
        ("main.tf", "key = <<EOT\n-----BEGIN RSA PRIVATE KEY-----\nSECRET\n-----END RSA PRIVATE KEY-----\nEOT"),
        ("pod.yaml", POD + "    env:\n    - name: DB_PASSWORD\n      value: SECRET\n"),
        ("pod.yaml", POD + "    env: [{name: API_TOKEN, value: SECRET}]\n"),
        ("secret.yaml", "apiVersion: v1\nkind: Secret\nstringData:\n  a: SECRET\n  b: |\n    SECRET\n"),
        ("Dockerfile", "FROM a\nENV DB_PASSWORD SECRET\nENV X=1 API_TOKEN=SECRET\n"),
    ],
)
def test_no_secret_is_kept_and_every_line_stays_in_its_place(path: str, text: str) -> None:
    kept = take(path, text.encode())
    assert kept is not None
    assert b"SECRET" not in kept
    assert kept.count(b"\n") == text.count("\n")


@pytest.mark.parametrize("content", [b"a" * (MAX_BYTES + 1), b"a" * (MAX_LINE + 1), b"\0"])
def test_what_is_too_large_or_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        take("main.tf", content)
