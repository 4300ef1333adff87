"""What was found, printed."""

from datetime import UTC, datetime
from io import BytesIO

import msgspec

from deadlight.model.observation import Grade
from deadlight.model.vulnerability import Severity
from deadlight.model.wire import DetectedProcess, Detection, Observation
from deadlight.sensor.sink import Printer

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_each_observation_and_each_detection_is_a_line_and_detections_have_a_rule():
    observation = Observation(container_id="c1", grade=Grade.OPENED, path="/a\nb", first_at=AT, last_at=AT)
    process = DetectedProcess(name="sh")
    detection = Detection(
        id="d1", rule="shell", title="A shell", severity=Severity.HIGH, at=AT, container_id="c1", process=process
    )
    out = BytesIO()
    printer = Printer(out)
    printer.send([observation])
    printer.detect([detection])

    first, second = out.getvalue().splitlines()
    assert msgspec.json.decode(first, type=Observation) == observation
    assert b'"rule"' not in first
    assert msgspec.json.decode(second, type=Detection) == detection
