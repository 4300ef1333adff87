"""What is no secret, however it looks; and what is, however it looks."""

import random
import string

import pytest
from tests.scanner.exposures.secrets.planting import SECRETS

from deadlight.scanner.exposures.secrets.kept import decode
from deadlight.scanner.exposures.secrets.plausibility import entropy, is_no_value, is_sample

NO_VALUES = """
    changeme123 your-api-key-1 xxxxxxxxxxxxxxx1 ${DB_PASSWORD} $PASSWORD1 {{secret1}} <password1> %(password)s
    os.environ['X1'] process.env.X1 ENC[AES256,1] vault:kv/db1 /run/secrets/db1 ./keys/key1 https://acme.io/1
    sha256:a1b2c3 settings.API_KEY_2 get_token(1) application/json 2024-01-01 1.2.3-4 aaaaaaaaaaaa1 my_example_1
    arn:aws:secretsmanager:eu:1 correct-horse passwordField user.password test1234 hunter2 null1 !vault
"""
VALUES = "Xy7(fj29)dk Kp;3x{9Lq2 Tr0ub4dor+3z q7Zp-91xKvL zK4.mN8w_Q2r h7#Fq9!Lw2z wJ3lrkXUtnFzK7MDb 9f86d081884c7d65"


@pytest.mark.parametrize("value", NO_VALUES.split())
def test_placeholders_references_paths_and_code_are_no_values(value):
    assert is_no_value(value)


@pytest.mark.parametrize("value", VALUES.split())
def test_what_looks_made_by_chance_is_a_value(value):
    assert not is_no_value(value)


def test_random_values_are_hardly_ever_taken_for_something_else():
    chance = random.Random(5)
    alphabets = [string.ascii_letters + string.digits, string.hexdigits[:16], string.ascii_lowercase + string.digits]
    values = [
        "".join(chance.choices(alphabet, k=length))
        for alphabet in alphabets
        for length in (16, 32, 64)
        for _ in range(500)
    ]
    assert sum(is_no_value(value) for value in values) < len(values) * 0.005
    assert not any(is_sample(value) for value in values)


@pytest.mark.parametrize(
    "value", ["AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "ghp_" + "x" * 36, "0" * 40]
)
def test_documented_samples_and_fillings_are_told(value):
    assert is_sample(value)


def test_entropy_is_in_bits_for_each_character():
    assert entropy("") == 0
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2
    assert entropy("0123456789abcdef") == 4


CONFIGURATION = """\
# database
DB_HOST=db
DB_PASSWORD={password}
SECRET_KEY='{key}'
API_URL=https://api.acme.io/v1?token_type=bearer
REDIS_URL=redis://:{password}@cache:6379/0
LOG_FORMAT="%(asctime)s token %(token)s"
PASSWORD_RESET_TIMEOUT=86400000
TOKEN_EXPIRES_IN=3600s-and-more-than-that
AUTH_PASSWORD_VALIDATORS=django.contrib.auth.password_validation.MinimumLengthValidator2
"""


def test_of_a_configuration_only_the_secrets_are_found():
    text = CONFIGURATION.format(password="q7Zp-91xKvL", key="d8Kq2mXw7Rt5Yb3Nc9Vf1Ls6Hj4Gp0Za")
    kept = SECRETS.take("app/.env", text.encode())
    assert kept is not None
    assert [(secret.rule, secret.line) for secret in decode(kept).secrets] == [
        ("generic-setting-password", 3),
        ("framework-secret-key", 4),
        ("url-password", 6),
    ]
