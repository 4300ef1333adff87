"""Workers and their alerts."""

from deadlight.cli.output import Format, Output, plain, print_table, show
from deadlight.cli.service import run


def workers(output: Output = Format.TABLE) -> None:
    """List the workers and how their alerts fared."""
    found = run(lambda client: client.get("/api/v1/workers"))
    rows = [
        (
            plain(item["name"]),
            plain(", ".join(item["event_types"])),
            plain(item["criteria"] or "always"),
            plain(", ".join(f"{target['type']} {target['label']}" for target in item["destinations"])),
            f"{item['delivered']} delivered, {item['pending']} pending, {item['dead']} dead",
        )
        for item in found
    ]
    columns = ("Worker", "Events", "Criteria", "Destinations", "Alerts")
    empty = "No worker yet: nobody is alerted. Add one in the console."
    show(found, output, lambda: print_table(columns, rows, empty=empty))
