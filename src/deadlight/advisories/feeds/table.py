"""THE table of feeds."""

from collections.abc import Mapping

from deadlight.advisories.feeds.cve_records import fetch_cve_records
from deadlight.advisories.feeds.epss import fetch_epss
from deadlight.advisories.feeds.feed import Feed, FeedName
from deadlight.advisories.feeds.known_exploited import fetch_known_exploited
from deadlight.advisories.feeds.osv import fetch_osv

FEEDS: Mapping[FeedName, Feed] = {
    feed.name: feed
    for feed in (
        Feed(
            FeedName.OSV,
            "OSV advisories and malicious packages",
            "https://osv-vulnerabilities.storage.googleapis.com",
            fetch_osv,
        ),
        Feed(
            FeedName.CVE,
            "CVE records, for severities that advisories lack",
            "https://raw.githubusercontent.com/CVEProject/cvelistV5/main",
            fetch_cve_records,
        ),
        Feed(
            FeedName.KEV,
            "CISA's known exploited vulnerabilities",
            "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
            fetch_known_exploited,
        ),
        Feed(
            FeedName.EPSS,
            "FIRST's exploit predictions",
            "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
            fetch_epss,
        ),
    )
}
"""Each with a file of its own; the OpenSSF's malicious packages come with OSV's ecosystems."""
