"""What is kept of files, and what becomes of it: found where it is, and never seen again."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scanner.exposures.secrets.planting import SECRETS, plant

from deadlight.model.exposure import ExposureCategory
from deadlight.model.image import ImageSettings
from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.exposure_scanner import MAX_EXPOSURES, KeptFile
from deadlight.scanner.exposures.secrets import load_rules, secrets_scanner
from deadlight.scanner.exposures.secrets.judgement import MAX_EXPOSURES_OF_A_LAYER
from deadlight.scanner.exposures.secrets.kept import MAX_SECRETS, KeptSecret, KeptSecrets, decode, encode

RULES = load_rules()
EXAMPLES = [(rule, template) for rule in RULES for template in rule.matches]
GITHUB = "GITHUB_TOKEN=ghp_<crc:30>"
LAYER = "sha256:" + "a" * 64


def kept_file(path: str, text: str | bytes, layer: str = LAYER, **more) -> KeptFile:
    content = SECRETS.take(path, text if isinstance(text, bytes) else text.encode())
    assert content is not None
    return KeptFile("/" + path, content, layer, **more)


def judge(*files: KeptFile, image: ImageSettings | None = None, scanner=SECRETS):
    return scanner.judge(files, image or ImageSettings())


def everything_of(*files: KeptFile, image: ImageSettings | None = None) -> str:
    """Whatever could be stored or shown."""
    kept = b"".join(file.content for file in files).decode()
    return kept + json.dumps(kept) + repr(judge(*files, image=image))


@given(st.sampled_from(EXAMPLES), st.integers(0, 2**32))
@settings(max_examples=100)
def test_no_secret_is_in_what_is_kept_or_told(example, seed):
    rule, template = example
    planted = plant(template, seed)
    content = SECRETS.take(rule.examples_path, planted.text.encode())
    seen = everything_of(KeptFile("/" + rule.examples_path, content, LAYER)) if content else ""
    assert all(secret not in seen for secret in planted.secrets)


def test_no_secret_of_any_rule_is_in_what_is_kept_or_told():
    for rule, template in EXAMPLES:
        planted = plant(template, 11)
        seen = everything_of(kept_file(rule.examples_path, planted.text))
        assert f"EXP-SECRET-{rule.id}" in seen
        assert not [secret for secret in planted.secrets if secret in seen], rule.id


@given(st.lists(st.sampled_from(EXAMPLES), min_size=2, max_size=4), st.integers(0, 2**32), st.sampled_from(" ,;\t|"))
@settings(max_examples=100)
def test_no_secret_is_in_what_is_told_of_others_on_its_line(examples, seed, between):
    planted = [plant(template, seed + number) for number, (_, template) in enumerate(examples)]
    text = between.join(part.text for part in planted)
    content = SECRETS.take("app/.env", text.encode())
    seen = everything_of(KeptFile("/app/.env", content, LAYER)) if content else ""
    assert all(secret not in seen for part in planted for secret in part.secrets)


@given(st.sampled_from(EXAMPLES), st.integers(0, 2**32))
@settings(max_examples=50)
def test_no_secret_of_the_settings_is_told(example, seed):
    planted = plant(example[1], seed)
    image = ImageSettings(
        env=(f"A={planted.text}",),
        labels=(("b", planted.text),),
        layer_commands=(f"|1 {planted.text} /bin/sh -c make",),
    )
    seen = repr(judge(image=image))
    assert all(secret not in seen for secret in planted.secrets)


def test_an_exposure_tells_what_where_and_what_to_do():
    text = "# settings\n\n" + plant(GITHUB, 1).text + "\n"
    (exposure,) = judge(kept_file("app/.env", text)).exposures
    assert exposure.category is ExposureCategory.SECRETS
    assert exposure.rule_id == "EXP-SECRET-github-token"
    assert exposure.severity is Severity.CRITICAL
    assert (exposure.path, exposure.location, exposure.layer_digest) == ("/app/.env", "line 3", LAYER)
    assert exposure.evidence == f"GITHUB_TOKEN=****{text.strip()[-4:]}"
    assert exposure.cwe == "CWE-798"
    assert "delete the token" in exposure.recommendation
    assert "--mount=type=secret" in exposure.recommendation
    assert not exposure.is_deleted


def test_a_short_secret_shows_nothing_of_itself():
    (exposure,) = judge(kept_file("app/.env", "DB_PASSWORD=Tr0ub4dor+3z\n")).exposures
    assert exposure.evidence == "DB_PASSWORD=****"


def test_a_secret_in_several_layers_is_one_exposure_that_can_be_seen():
    text = plant(GITHUB, 1).text
    below = kept_file("app/.env", text, "sha256:low", is_deleted=True)
    above = kept_file("app/.env", text, "sha256:high")
    for files in ([below, above], [above, below]):
        (exposure,) = judge(*files).exposures
        assert (exposure.layer_digest, exposure.is_deleted) == ("sha256:high", False)
        assert "1 more of the image's layers" in exposure.description


def test_of_a_deleted_file_the_topmost_layer_is_told_and_that_deleting_does_not_help():
    text = plant(GITHUB, 1).text
    layers = [kept_file("app/.env", text, digest, is_deleted=True) for digest in ("sha256:low", "sha256:high")]
    (exposure,) = judge(*layers).exposures
    assert (exposure.layer_digest, exposure.is_deleted) == ("sha256:high", True)
    assert "deleting the file again does not help" in exposure.recommendation


def test_two_secrets_at_one_path_are_two_exposures_with_fingerprints_of_their_own():
    found = judge(kept_file("app/.env", plant(GITHUB, 1).text + "\n" + plant(GITHUB, 2).text)).exposures
    assert len({exposure.fingerprint for exposure in found}) == 2
    assert [exposure.location for exposure in found] == ["line 1", "line 2"]


def test_a_secret_at_several_places_of_a_file_is_told_once_with_their_number():
    (exposure,) = judge(kept_file("app/.env", (plant(GITHUB, 1).text + "\n") * 3)).exposures
    assert exposure.location == "line 1"
    assert "at 3 places" in exposure.description


def test_what_a_package_ships_is_not_reported():
    key = "-----BEGIN PRIVATE <gap>KEY-----\n<b64:64>\n-----END PRIVATE <gap>KEY-----\n"
    text = plant(key, 1).text
    assert judge(kept_file("etc/app/server.key", text, owner_purl="pkg:deb/debian/app@1")).exposures == ()
    assert len(judge(kept_file("etc/app/server.key", text)).exposures) == 1
    assert not SECRETS.wants("usr/local/lib/python3.12/test/certdata/keycert.pem")
    assert not SECRETS.wants("app/node_modules/agent/test/server.key")
    assert SECRETS.take("app/tests/fixtures/server.key", text.encode()) is None


def test_a_file_is_judged_by_the_path_its_links_lead_to():
    file = kept_file("app/.env", plant(GITHUB, 1).text)
    moved = KeptFile("/usr/lib/python3.12/site-packages/a/.env", file.content, LAYER)
    assert judge(moved).exposures == ()


def test_environment_labels_and_history_are_read_and_a_secret_is_told_once():
    token, other = plant(GITHUB, 1).text, plant("npm_<crc:30>", 2).text
    image = ImageSettings(
        env=("PATH=/bin", token),
        labels=(("maintainer", "ann"), ("token", other)),
        layer_commands=("/bin/sh -c #(nop) ADD file:1 in /", f"|1 {token} /bin/sh -c pip install .", f"ENV {token}"),
    )
    found = {exposure.location: exposure for exposure in judge(image=image).exposures}
    assert set(found) == {"ENV GITHUB_TOKEN", "label token"}
    exposure = found["ENV GITHUB_TOKEN"]
    assert exposure.path == ""
    assert "2 more of the image's settings" in exposure.description
    assert "ARG or ENV" in exposure.recommendation


OFFICIAL = ImageSettings(
    env=(
        "PATH=/usr/local/bin:/usr/bin",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "PYTHON_SHA256=c30bb24b7f1e9a19b11b55a546434f74e739bb4c271a3e3a80ff4380d49f7adb",
        "NGINX_VERSION=1.27.3",
        "PKG_RELEASE=1~bookworm",
        "PHP_ASC_URL=https://www.php.net/get/php-8.3.14.tar.xz.asc/from/this/mirror",
        "POSTGRES_HOST_AUTH_METHOD=trust",
        "JAVA_OPTS=-Djavax.net.ssl.keyStorePassword=changeit",
    ),
    labels=(("org.opencontainers.image.revision", "3f786850e387550fdab836ed7e6dc881de23001b"),),
    layer_commands=(
        "/bin/sh -c #(nop) ADD file:90b9dd8f12120e8b2cd3ece45fcbe8af67e40565e2032a40f64bd921c43e2ce7 in / ",
        'RUN /bin/sh -c gpg --recv-keys "$GPG_KEY"; echo "$PYTHON_SHA256 *a.tar.xz" | sha256sum -c -; # buildkit',
        "COPY --from=build /out /app # buildkit",
        "|2 VERSION=1.2.3 COMMIT=3f786850e387550fdab836ed7e6dc881de23001b /bin/sh -c make",
    ),
)


def test_the_settings_of_well_known_images_hold_no_secret():
    assert judge(image=OFFICIAL).exposures == ()


def test_a_build_argument_is_found_in_the_history():
    command = "|2 NPM_TOKEN=<base62:30> VERSION=1.2.3 /bin/sh -c npm ci # buildkit"
    image = ImageSettings(layer_commands=("", plant(command, 1).text))
    (exposure,) = judge(image=image).exposures
    assert exposure.location == "history 2"


def test_a_key_store_is_told_by_its_first_bytes():
    (exposure,) = judge(kept_file("app/server.jks", b"\xfe\xed\xfe\xed\0\0\0\2" + bytes(100))).exposures
    assert (exposure.rule_id, exposure.severity) == ("EXP-SECRET-key-store", Severity.MEDIUM)
    assert exposure.location == ""
    assert SECRETS.take("app/server.jks", b"not a key store") is None


@pytest.mark.parametrize(
    "content",
    [
        ("\N{BYTE ORDER MARK}" + plant(GITHUB, 1).text).encode("utf-16-le"),
        ("\N{BYTE ORDER MARK}" + plant(GITHUB, 1).text).encode("utf-16-be"),
        b"\xef\xbb\xbf" + plant(GITHUB, 1).text.encode(),
        "Zugang f\xfcr alle: ".encode("latin-1") + plant(GITHUB, 1).text.encode(),
    ],
    ids=["utf-16-le", "utf-16-be", "utf-8 with a mark", "latin-1"],
)
def test_text_is_read_in_the_encodings_it_comes_in(content):
    (exposure,) = judge(kept_file("app/config.txt", content)).exposures
    assert exposure.rule_id == "EXP-SECRET-github-token"


def test_binary_files_are_not_read():
    assert SECRETS.take("app/data", b"\0" + plant(GITHUB, 1).text.encode()) is None


def test_lines_and_columns_are_counted_from_one():
    text = "a\r\nbc\n  " + plant(GITHUB, 1).text
    (secret,) = decode(SECRETS.take("app/x.env", text.encode()) or b"").secrets
    assert (secret.line, secret.column) == (3, 16)
    assert "GITHUB_TOKEN" in secret.evidence


def test_a_file_gives_so_many_secrets_and_says_when_there_are_more():
    text = "\n".join(plant(GITHUB, seed).text for seed in range(MAX_SECRETS + 5))
    file = kept_file("app/.env", text)
    assert len(decode(file.content).secrets) == MAX_SECRETS
    assert judge(file).problems == ("/app/.env: holds more that looks like secrets than is read of one file",)


def kept_with(count: int, path: str, layer: str) -> KeptFile:
    secrets = tuple(KeptSecret("github-token", n + 1, 1, "****", f"{n:016x}") for n in range(count))
    return KeptFile(path, encode(KeptSecrets(secrets)), layer)


def test_a_layer_and_an_image_give_so_many_exposures_and_say_when_there_are_more():
    judged = judge(kept_with(MAX_EXPOSURES_OF_A_LAYER + 1, "/a", "one"))
    assert len(judged.exposures) == MAX_EXPOSURES_OF_A_LAYER
    assert "layer one: 501 secrets were found, of which 500 are shown" in judged.problems
    judged = judge(*(kept_with(MAX_EXPOSURES_OF_A_LAYER, f"/{n}", f"{n}") for n in range(3)))
    assert len(judged.exposures) == MAX_EXPOSURES
    assert "1500 exposures were found, of which the 1000 gravest are told" in judged.problems


def test_the_gravest_come_first():
    text = "DB_PASSWORD=Tr0ub4dor+3z\n" + plant(GITHUB, 1).text
    assert [exposure.severity for exposure in judge(kept_file("app/.env", text)).exposures] == [
        Severity.CRITICAL,
        Severity.MEDIUM,
    ]


def test_fingerprints_follow_the_secret_and_the_salt_and_layers_are_read_again_with_another():
    text = plant(GITHUB, 1).text.encode()
    other = secrets_scanner(b"of this installation")
    marks = [
        decode(scanner.take("app/.env", text) or b"").secrets[0].fingerprint
        for scanner in (SECRETS, secrets_scanner(), other)
    ]
    assert marks[0] == marks[1] != marks[2]
    assert SECRETS.version == secrets_scanner().version != other.version
    assert 0 < SECRETS.version < 2**31
    assert secrets_scanner(rules=RULES[:3]).version != SECRETS.version


def test_a_line_that_says_it_is_allowed_is_passed_over():
    text = plant(GITHUB, 1).text
    for comment in ("deadlight:allow", "gitleaks:allow", "pragma: allowlist secret"):
        assert SECRETS.take("app/a.py", f"{text}  # {comment}\n".encode()) is None
    assert SECRETS.take("app/a.py", f"# deadlight:allow\n{text}\n".encode()) is not None


def test_damaged_facts_and_unknown_rules_are_named():
    broken = KeptFile("/a", b"{", LAYER)
    unknown = KeptFile("/b", encode(KeptSecrets((KeptSecret("gone", 1, 1, "", ""),))), LAYER)
    assert [problem.partition(":")[0] for problem in judge(broken, unknown).problems] == ["/a", "/b"]


def test_whoever_does_not_scan_loads_no_engine():
    code = (
        "import sys, deadlight.scanner.exposures.secrets as s; s.secrets_scanner().wants('a.py');"
        "sys.exit(any(name in sys.modules for name in ('re2', 'ahocorasick')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
