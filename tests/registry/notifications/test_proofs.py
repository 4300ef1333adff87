"""How secrets travel in headers."""

from base64 import b64encode

import pytest

from deadlight.registry.notifications.notification import Delivery
from deadlight.registry.notifications.proofs import authorization, signed_in

SECRET = "tide-and-current-41"


def basic(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        f"Bearer {SECRET}",
        f"bearer  {SECRET}",
        f"Basic {basic(f'deadlight:{SECRET}')}",
        f"Basic {basic(f':{SECRET}')}",
    ],
)
def test_products_write_a_secret_in_different_ways(value: str):
    assert authorization(Delivery({"authorization": value}, b""), SECRET)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        SECRET[:-1],
        SECRET + "x",
        f"Digest {SECRET}",
        f"Basic {SECRET}",
        f"Basic {basic(SECRET)}",
        f"Basic {basic(f'{SECRET}:')}",
        "Basic /w==",
        "Basic !",
    ],
)
def test_anything_else_is_not_the_secret(value: str):
    assert not authorization(Delivery({"authorization": value}, b""), SECRET)


def test_a_whole_header_may_have_been_set_as_the_secret():
    assert authorization(Delivery({"authorization": f"Bearer {SECRET}"}, b""), f"Bearer {SECRET}")


def test_the_signature_of_the_published_example_is_right():
    """The example of GitHub's documentation, "Validating webhook deliveries"."""
    stated = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    delivery = Delivery({"x-hub-signature-256": stated}, b"Hello, World!")
    assert signed_in(delivery, "x-hub-signature-256", "It's a Secret to Everybody")
    assert not signed_in(delivery, "x-hub-signature-256", "It's a Secret to everybody")
