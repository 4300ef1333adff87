"""How far scanners are is told truly: nothing is called done that nobody looked at."""

from datetime import UTC, datetime
from itertools import product

import pytest

from deadlight.model.exposure import ExposureCategory
from deadlight.model.scan_configuration import Scanner
from deadlight.server.scans.status import ScanFacts, ScannerState, ScannerStatus, combine, rate_scan

EARLIER, LATER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
EXAMINED = {category: ScannerStatus(ScannerState.DONE, LATER) for category in ExposureCategory}


def test_a_scanned_image_is_done_with_the_time_of_each_scanner() -> None:
    facts = ScanFacts(scan_status="done", scanned_at=EARLIER, is_assessed=True, exposures=EXAMINED)
    status = rate_scan(facts)
    assert (status.overall.status, status.overall.time) == (ScannerState.DONE, LATER)
    assert (status.sca, status.contextual_analysis) == (ScannerStatus(ScannerState.DONE, EARLIER),) * 2
    assert status.exposures == ScannerStatus(ScannerState.DONE, LATER)


def test_what_nobody_asked_to_scan_says_so() -> None:
    status = rate_scan(ScanFacts())
    assert status.overall == ScannerStatus(ScannerState.NOT_SCANNED, None, "no scan of it has been asked for")


@pytest.mark.parametrize("waiting", ["queued", "running", "waiting"])
def test_a_scan_that_waits_is_scanning_with_what_it_waits_for(waiting: str) -> None:
    status = rate_scan(ScanFacts(scan_status=waiting, queued_at=EARLIER, error="the registry is away"))
    assert status.overall == ScannerStatus(ScannerState.SCANNING, EARLIER, "the registry is away")
    assert {part.status for part in status.categories.values()} == {ScannerState.SCANNING}


def test_a_failed_scan_fails_all_that_rests_on_it_and_says_why() -> None:
    status = rate_scan(ScanFacts(scan_status="failed", finished_at=LATER, error="is encrypted"))
    assert (status.overall, status.exposures) == (ScannerStatus(ScannerState.FAILED, LATER, "is encrypted"),) * 2


@pytest.mark.parametrize("ended", ["skipped", "expired", "switched_off"])
def test_what_is_left_out_is_not_scanned_with_the_reason(ended: str) -> None:
    status = rate_scan(ScanFacts(scan_status=ended, finished_at=LATER, error="the registry is not trusted"))
    assert status.sca == ScannerStatus(ScannerState.NOT_SCANNED, LATER, "the registry is not trusted")


def test_contextual_analysis_follows_the_scan_until_vulnerabilities_are_found() -> None:
    status = rate_scan(ScanFacts(scan_status="done", scanned_at=EARLIER, exposures=EXAMINED))
    assert status.contextual_analysis.status is ScannerState.SCANNING
    assert status.overall.status is ScannerState.SCANNING


def test_a_category_that_failed_lacks_something_or_is_switched_off_is_never_done() -> None:
    facts = ScanFacts(
        scan_status="done",
        scanned_at=EARLIER,
        is_assessed=True,
        wanted=frozenset({Scanner.SCA, Scanner.CONTEXTUAL_ANALYSIS, Scanner.SECRETS, Scanner.IAC}),
        exposures={
            ExposureCategory.SECRETS: ScannerStatus(ScannerState.FAILED, LATER, "secrets: out of luck"),
            ExposureCategory.IAC: ScannerStatus(ScannerState.NOT_SUPPORTED, LATER, "checkov was not found"),
        },
    )
    found = rate_scan(facts).categories
    assert found[ExposureCategory.SECRETS].reason == "secrets: out of luck"
    assert found[ExposureCategory.IAC].reason == "checkov was not found"
    assert found[ExposureCategory.SERVICES] == ScannerStatus(
        ScannerState.NOT_SCANNED, None, "Services is switched off in every cluster that runs the image"
    )
    assert rate_scan(facts).overall.status is ScannerState.FAILED


def test_a_wanted_category_that_has_not_been_looked_for_yet_is_scanning() -> None:
    status = rate_scan(ScanFacts(scan_status="done", scanned_at=EARLIER, is_assessed=True))
    assert status.exposures.status is ScannerState.SCANNING


def test_several_together_are_what_is_least_finished_of_them() -> None:
    for states in product(ScannerState, repeat=2):
        together = combine(ScannerStatus(state) for state in states).status
        assert together is min(states, key=list(ScannerState).index)
    reasons = combine([ScannerStatus(ScannerState.FAILED, None, "a")] * 2 + [ScannerStatus(ScannerState.DONE)])
    assert reasons == ScannerStatus(ScannerState.FAILED, None, "a")
