"""Commands of Cluster Management: the inventory, what is scanned where, and registration tokens."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from deadlight.cli.output import Format, Output, advise, counted, plain, print_facts, print_table, show, status
from deadlight.cli.service import run
from deadlight.client.errors import ClientError
from deadlight.client.rest import RestClient

CLUSTERS = "/api/v1/clusters"
TOKENS = "/api/v1/registration-tokens"
NODE_STATUSES = {
    "monitored": "no sensor",
    "monitored_with_sensor": "running",
    "failed": "failed",
    "installation_failed": "installation failed",
    "disabled": "disabled",
}

clusters = typer.Typer(help="List the clusters and the health of their agents.", invoke_without_command=True)
tokens = typer.Typer(help="Registration tokens: what clusters enrol with.", no_args_is_help=True)


class UnknownClusterError(ClientError):
    """A name that no cluster has."""


class AmbiguousClusterError(ClientError):
    """A name that several clusters have."""


@clusters.command("list")
@clusters.callback()
def list_clusters(context: typer.Context, *, output: Output = Format.TABLE) -> None:
    """List the clusters, the health of their agents and what is scanned there.

    Examples: deadlight clusters list | deadlight clusters configure east west --scanner sca --retention-days 30
    """
    if context.invoked_subcommand is not None:
        return
    answer = run(lambda client: client.get(CLUSTERS))
    show(answer["clusters"], output, lambda: _print_clusters(answer))


def _print_clusters(answer: dict[str, Any]) -> None:
    print_table(
        ("Cluster", "Status", "Controller", "Sensors", "Provider", "Location", "Version", "Scanners", ""),
        [_cluster_row(item) for item in answer["clusters"]],
        empty="No cluster is connected. `deadlight connect` shows how.",
    )
    if answer["clusters"]:
        _print_overview(answer["overview"])


def _cluster_row(item: dict[str, Any]) -> tuple[str, ...]:
    running = item["nodes_by_status"]["monitored_with_sensor"]
    return (
        plain(item["name"]),
        status(item["status"]),
        status(item["controller"]["status"]),
        f"{running}/{item['nodes_count']}" if item["installation"] != "controller_only" else "controller only",
        plain(item["provider"]),
        plain(", ".join(item["regions"])),
        plain(item["controller"]["version"]),
        plain(", ".join(item["configuration"]["scanners"]) or "none"),
        "demonstration" if item["demonstration"] else "",
    )


def _print_overview(overview: dict[str, Any]) -> None:
    """How far all of them are watched and scanned, and what needs somebody's attention."""
    sensors = f"{overview['sensors_running']} of {overview['sensors_expected']} sensors run"
    verdict = "monitored correctly" if overview["monitored_correctly"] else "needs attention"
    advise(f"{sensors}; the environment {'is ' if overview['monitored_correctly'] else ''}{verdict}")
    coverage = [f"{item['label']} {item['clusters']}/{overview['clusters']}" for item in overview["coverage"]]
    advise(plain(f"scanned: {', '.join(coverage)}"))
    for failing in overview["failing"]:
        for problem in failing["problems"]:
            told = plain(f"{problem['message']}. {problem['advice']}")
            advise(f"[yellow]{plain(failing['name'])}:[/] {told}")


def cluster(
    name: Annotated[str, typer.Argument(help="The cluster's name or id.")], *, output: Output = Format.TABLE
) -> None:
    """Show a cluster with its nodes and what is wrong with it.

    Example: deadlight cluster production
    """

    async def fetch(client: RestClient) -> dict[str, Any]:
        ids = await _find_ids(client, [name])
        if len(ids) > 1:
            raise AmbiguousClusterError(f"{len(ids)} clusters are called {name}, say which by its id: {', '.join(ids)}")
        detail: dict[str, Any] = await client.get(f"{CLUSTERS}/{ids[0]}")
        return detail

    detail = run(fetch)
    show(detail, output, lambda: _print_cluster(detail))


def _print_cluster(detail: dict[str, Any]) -> None:
    print_facts(_facts(detail["cluster"]))
    columns = ("Node", "Status", "Region", "Node IP", "Sensor version", "Kernel", "Tier", "Last seen", "Problems")
    print_table(columns, [_node_row(node) for node in detail["nodes"]], empty="No nodes are known yet.")
    for problem in detail["cluster"]["problems"]:
        advise(f"[yellow]{plain(problem['message'])}.[/] {plain(problem['advice'])}")


def _facts(item: dict[str, Any]) -> list[tuple[str, str]]:
    controller, configuration = item["controller"], item["configuration"]
    running = plain(f"{controller['version']} {controller['node_name']}")
    token = item["token"]
    return [
        ("Cluster", plain(item["name"])),
        ("Status", status(item["status"])),
        ("Controller", f"{status(controller['status'])} {running}"),
        ("Installed", plain(item["installation"].replace("_", " "))),
        ("Provider", plain(" ".join((item["provider"], *item["regions"])))),
        ("Kubernetes", plain(item["kubernetes_version"])),
        ("Scanners", plain(", ".join(configuration["scanners"]) or "none")),
        ("Retention", f"{configuration['retention_days']} days"),
        ("Token", plain(f"{token['name']}, {token['state']}, expires {token['expires_at'][:10]}" if token else "")),
    ]


def _node_row(node: dict[str, Any]) -> tuple[str, ...]:
    return (
        plain(node["name"]),
        NODE_STATUSES.get(node["status"], node["status"]),
        plain(node["region"]),
        plain(node["internal_ip"]),
        plain(node["sensor_version"]),
        plain(node["sensor_kernel"]),
        plain(node["sensor_tier"]),
        plain(node["sensor_last_seen_at"]),
        plain("; ".join(node["sensor_problems"])),
    )


@clusters.command("configure")
def configure(
    names: Annotated[list[str], typer.Argument(help="Names or ids of clusters.")],
    *,
    scanner: Annotated[
        list[str],
        typer.Option(
            help="What is on from now on: sca, contextual_analysis, secrets, applications, services, iac; "
            "`exposures` is the last four, `none` is nothing. All others are off."
        ),
    ],
    retention_days: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Results are renewed after so many days.")
    ] = None,
) -> None:
    """Choose what is scanned in clusters: in all of those named, or in none where a name is wrong.

    Example: deadlight clusters configure east west --scanner sca --scanner contextual_analysis --retention-days 30
    """

    async def apply(client: RestClient) -> int:
        identifiers = await _find_ids(client, names)
        chosen = [name for name in scanner if name != "none"]
        body: dict[str, Any] = {"cluster_ids": identifiers, "scanners": chosen}
        if retention_days is not None:
            body["retention_days"] = retention_days
        await client.request("PUT", f"{CLUSTERS}/configuration", body)
        return len(identifiers)

    count = run(apply)
    typer.echo(f"configured {counted(count, 'cluster')}: {', '.join(scanner)}")


async def _find_ids(client: RestClient, names: Sequence[str]) -> list[str]:
    """The ids of clusters by name or id; of clusters of one name, all."""
    listed = (await client.get(CLUSTERS))["clusters"]
    found = {name: [item["id"] for item in listed if name in {item["name"], item["id"]}] for name in names}
    missing = [name for name, ids in found.items() if not ids]
    if missing:
        raise UnknownClusterError(f"no cluster is called {', '.join(missing)}; `deadlight clusters` lists them")
    return sorted({identifier for ids in found.values() for identifier in ids})


@tokens.command("list")
def list_tokens(*, output: Output = Format.TABLE) -> None:
    """List registration tokens, newest first.

    Example: deadlight tokens list -o json
    """
    found = run(lambda client: client.get(TOKENS))
    rows = [
        (
            str(item["id"]),
            plain(item["name"]),
            plain(item["cluster_name"] or "any"),
            item["state"],
            item["created_at"][:10],
            item["expires_at"][:10],
            plain((item["last_used_at"] or "never")[:10]),
            plain(", ".join(used["name"] for used in item["clusters"])),
        )
        for item in found
    ]
    columns = ("Id", "Name", "For cluster", "State", "Created", "Expires", "Last used", "Clusters")
    empty = "No registration token yet. `deadlight connect` makes one."
    show(found, output, lambda: print_table(columns, rows, empty=empty))


@tokens.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    *,
    cluster: Annotated[str, typer.Option(help="The one cluster it is good for.", show_default="any")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Make a registration token, good for two years; it is shown this once.

    Example: deadlight tokens create "rollout of May" --cluster production
    """
    created = run(lambda client: client.post(TOKENS, {"name": name, "cluster_name": cluster}))
    show(created, output, lambda: typer.echo(created["access_token"]))


@tokens.command("revoke")
def revoke_token(
    token_id: Annotated[int, typer.Argument(help="Its id, as listed.")],
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Make another in its place and print it.")] = False,
) -> None:
    """Revoke a registration token: nobody enrols with it any more. Agents that have enrolled go on.

    Examples: deadlight tokens revoke 3 | deadlight tokens revoke 3 --replace
    """
    if replace:
        typer.echo(run(lambda client: client.post(f"{TOKENS}/{token_id}/replacement"))["access_token"])
    else:
        run(lambda client: client.request("DELETE", f"{TOKENS}/{token_id}"))
        typer.echo(f"revoked token {token_id}; agents that enrolled with it go on")
