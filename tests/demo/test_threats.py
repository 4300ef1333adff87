"""The attacks of the demonstration are found by the rules that ship."""

from datetime import UTC, datetime

import pytest

from deadlight.demo import catalogue
from deadlight.demo.threats import ATTACKS, Attack, detections_in
from deadlight.model import wire
from deadlight.model.vulnerability import Severity

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.image.reference)
def test_every_attack_is_found_by_a_rule(attack: Attack) -> None:
    found = list(detections_in("c", attack.image.reference, NOW))
    assert found
    batch = wire.DetectionBatch(batch_id="b", node="n", detections=tuple(found))
    assert wire.decode(wire.encode(batch), wire.DetectionBatch) == batch


def test_the_page_has_threats_of_several_severities_and_the_same_ones_again() -> None:
    found = [item for attack in ATTACKS for item in detections_in("c", attack.image.reference, NOW)]
    assert {Severity.CRITICAL, Severity.HIGH} <= {item.severity for item in found}
    again = [item for attack in ATTACKS for item in detections_in("c", attack.image.reference, NOW)]
    assert [item.id for item in again] == [item.id for item in found]
    assert len({item.id for item in found}) == len(found)


def test_images_that_nobody_attacks_are_quiet() -> None:
    assert not list(detections_in("c", catalogue.CART.reference, NOW))
