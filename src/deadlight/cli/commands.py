"""Commands over the REST API."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress

from deadlight.advisories.archive import iter_documents
from deadlight.advisories.document import Document, Rejected
from deadlight.advisories.errors import AdvisoryError
from deadlight.cli.home import NoTargetError, Target, find_target, remember_target
from deadlight.cli.output import SEVERITY_STYLES, plain, print_json, print_table, severities
from deadlight.client.errors import ClientError
from deadlight.client.rest import ApiError, RestClient

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DOCUMENTS_AT_ONCE = 500
BYTES_AT_ONCE = 8 * 1024 * 1024


def run(work: Callable[[RestClient], Awaitable[T]], target: Target | None = None) -> T:
    """Do something with the service that commands talk to; a problem ends the command with advice and exit code 1."""

    async def connected() -> T:
        chosen = target or find_target()
        async with RestClient(chosen.url, chosen.token) as client:
            return await work(client)

    try:
        return asyncio.run(connected())
    except (ClientError, NoTargetError, AdvisoryError) as error:
        Console(stderr=True).print(f"[red]error:[/] {plain(error)}")
        raise typer.Exit(1) from None


def login(
    url: Annotated[str, typer.Argument(help="The service's address, https://...")],
    name: Annotated[str, typer.Option(help="Your account.")] = "admin",
) -> None:
    """Sign in to a service and keep an API token for the commands that follow.

    Example: deadlight login https://deadlight.example.com --name ada
    """
    password = getpass.getpass(f"Password of {name}: ")

    async def sign_in(client: RestClient) -> str:
        session = await client.sign_in(name, password)
        if session["must_change_password"]:
            raise ApiError(
                403, "password_change_required", f"open {url} in a browser and choose your own password first"
            )
        body = {"name": f"deadlight login on {_hostname()}", "role": session["role"], "days": 90}
        created = await client.post("/api/v1/tokens", body)
        return str(created["token"])

    token = run(sign_in, Target(url, ""))
    file = remember_target(Target(url, token))
    typer.echo(f"signed in to {url}; the token is in {file} and good for 90 days")


def _hostname() -> str:
    import socket  # noqa: PLC0415 - only here

    return socket.gethostname()


def images(
    search: Annotated[str, typer.Argument(help="Part of a name, a tag or a digest.")] = "",
    *,
    risk: Annotated[
        list[str] | None,
        typer.Option(help="malicious, integrity_violation, critical_applicable_cves or untrusted_registry."),
    ] = None,
    cluster: Annotated[list[str] | None, typer.Option(help="A cluster's name.")] = None,
    namespace: Annotated[list[str] | None, typer.Option(help="A namespace.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """List the images that run, riskiest first.

    Example: deadlight images --risk integrity_violation --cluster production
    """
    query = {"search": search, "risk": risk or [], "cluster": cluster or [], "namespace": namespace or []}
    found, total = run(lambda client: client.list_image_tags(query, limit))
    if as_json:
        print_json(found)
        return
    print_table(
        ("Image", "Integrity", "Risks", "Vulnerabilities", "Workloads"),
        [_image_row(item) for item in found],
        empty="No running image matches. Connect a cluster with `deadlight connect`, or widen the search.",
    )
    if total > len(found):
        Console(stderr=True).print(f"{len(found)} of {total}; more with --limit")


def _image_row(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        plain(f"{item['registry']}/{item['repository']}:{item['tag']}"),
        plain(item["violation_type"] or item["integrity_status"] or "not compared yet"),
        plain(", ".join(item["risks"])),
        severities(item["severities"]),
        str(item["workloads_count"]),
    )


def workers(as_json: Json = False) -> None:
    """List the workers and how their alerts fared."""
    found = run(lambda client: client.get("/api/v1/workers"))
    if as_json:
        print_json(found)
        return
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
    print_table(columns, rows, empty="No worker yet: nobody is alerted. Add one in the console.")


def funnel(as_json: Json = False) -> None:
    """Show the prioritisation funnel."""
    found = run(lambda client: client.get("/api/v1/funnel"))
    if as_json:
        print_json(found)
        return
    rows = [(stage["label"], str(stage["count"]), stage["description"]) for stage in found["stages"]]
    print_table(("Stage", "CVEs", ""), rows, empty="")
    for advice in (found["scan_advice"], found["installation_advice"]):
        if advice:
            Console(stderr=True).print(f"[yellow]{plain(advice)}[/]")


def scan(
    image: Annotated[str, typer.Argument(help="registry/repository:tag or @digest; the registry must be added.")],
    platform: Annotated[str, typer.Option(help="os/architecture.")] = "linux/amd64",
    as_json: Json = False,
) -> None:
    """Scan an image before it is deployed; what is found is what will be shown when it runs.

    Example: deadlight scan registry.example.com/shop/web:1.2.3
    """

    async def scan_and_wait(client: RestClient) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        queued = await client.post("/api/v1/scans", {"image": image, "platform": platform})
        address = f"/api/v1/image-tags/{queued['image_tag_id']}"
        with Console(stderr=True).status(f"scanning {plain(image)}"):
            detail = await _until_scanned(client, address)
        found = await client.get(f"{address}/vulnerabilities")
        return detail, found["vulnerabilities"]

    detail, findings = run(scan_and_wait)
    if as_json:
        print_json({"image": detail, "vulnerabilities": findings})
    else:
        _print_scan(detail, findings)
    if detail["scan_status"] != "done":
        raise typer.Exit(1)


async def _until_scanned(client: RestClient, address: str) -> dict[str, Any]:
    while True:
        detail: dict[str, Any] = await client.get(address)
        if detail["scan_status"] in {"failed", "skipped"} or detail["severities"] is not None:
            return detail
        await asyncio.sleep(0.3)


def _print_scan(detail: dict[str, Any], findings: list[dict[str, Any]]) -> None:
    if detail["scan_error"]:
        Console(stderr=True).print(f"[red]not scanned:[/] {plain(detail['scan_error'])}")
        return
    rows = [
        (
            f"[{SEVERITY_STYLES[item['severity']]}]{item['severity']}[/]",
            plain(item["vulnerability"]),
            plain(f"{item['package']} {item['version']}"),
            plain(item["fix_version"]),
            plain(item["applicability"]),
        )
        for item in findings
    ]
    columns = ("Severity", "Vulnerability", "Package", "Fixed in", "Applicability")
    print_table(columns, rows, empty=f"{detail['packages_count']} packages, no known vulnerability.")


def import_advisories(
    path: Annotated[
        Path, typer.Argument(exists=True, help="A folder, .zip, .json, .jsonl or .jsonl.zst of OSV records.")
    ],
    source: Annotated[str, typer.Option(help="Names the collection; the file's name by default.")] = "",
    as_json: Json = False,
) -> None:
    """Import advisories in OSV format; running images they concern are matched again at once.

    Example: deadlight advisories import all.zip --source osv.dev
    """
    total: dict[str, Any] = {}

    async def send(client: RestClient) -> None:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("importing", total=None)
            for documents, refused in _batches(path):
                body = {"source": source or path.name, "documents": documents}
                answer = await client.post("/api/v1/advisories/import", body)
                _add(total, answer, refused)
                progress.update(task, advance=len(documents), description=f"imported {_handled(total)} records")

    run(send)
    if as_json:
        print_json(total)
    else:
        _print_import(total)
    if total.get("rejected") and not _handled(total):
        raise typer.Exit(1)


def _batches(path: Path) -> Iterator[tuple[list[dict[str, str]], list[str]]]:
    """Documents to send together, with the reasons why others of the archive could not be read."""
    documents: list[dict[str, str]] = []
    refused: list[str] = []
    size = 0
    for item in iter_documents(path):
        if isinstance(item, Rejected):
            refused.append(item.reason)
            continue
        size += len(item.content)
        documents.append(_document(item))
        if len(documents) >= DOCUMENTS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield documents, refused
            documents, refused, size = [], [], 0
    yield documents, refused


def _document(item: Document) -> dict[str, str]:
    return {"origin": item.origin, "content": item.content.decode("utf-8", errors="replace")}


def _add(total: dict[str, Any], answer: dict[str, Any], refused: list[str]) -> None:
    for name, value in answer.items():
        total[name] = total.get(name, [] if isinstance(value, list) else 0) + value
    total["rejected"] += len(refused)
    total["rejections"] += refused


def _handled(total: dict[str, Any]) -> int:
    return sum(total.get(name, 0) for name in ("added", "changed", "withdrawn", "unchanged", "not_security"))


def _print_import(total: dict[str, Any]) -> None:
    names = ("added", "changed", "withdrawn", "unchanged", "not_security", "rejected")
    typer.echo(", ".join(f"{total.get(name, 0)} {name.replace('_', ' ')}" for name in names))
    for reason in total.get("rejections", [])[:20]:
        Console(stderr=True).print(f"[yellow]rejected:[/] {plain(reason)}")
    more = len(total.get("rejections", [])) - 20
    if more > 0:
        Console(stderr=True).print(f"[yellow]and {more} more[/]")


def connect(
    name: Annotated[str, typer.Option(help="The cluster's name in Deadlight.")] = "my-cluster",
    *,
    namespace: Annotated[str, typer.Option(help="The namespace of the agents.")] = "deadlight",
    provider: Annotated[str, typer.Option(help="kubernetes or openshift.")] = "kubernetes",
    controller_only: Annotated[bool, typer.Option("--controller-only", help="Without sensors on the nodes.")] = False,
    as_json: Json = False,
) -> None:
    """Show how to connect a real cluster, with a fresh registration token that is good for it.

    Example: deadlight connect --name production
    """
    installation = "controller_only" if controller_only else "controller_and_sensors"
    body = {"cluster_name": name, "namespace": namespace, "provider": provider, "installation": installation}
    plan = run(lambda client: client.post("/api/v1/clusters/installation", body))
    if as_json:
        print_json({"server": plan["server_url"], **plan})
        return
    if plan["warning"]:
        Console(stderr=True).print(f"[yellow]{plain(plan['warning'])}[/]")
    for step in (plan["from_this_machine"], *plan["steps"]):
        typer.echo(f"# {step['title']}. {step['note']}".rstrip() + f"\n{step['command']}\n")


def remove_demonstration() -> None:
    """Remove the demonstration fleet with everything it brought."""
    removed = run(lambda client: client.request("DELETE", "/api/v1/demonstration"))
    typer.echo(
        f"removed {removed['clusters']} clusters, {removed['registries']} registries, {removed['workers']} workers"
    )
