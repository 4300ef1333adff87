"""Blocking: what sensors stop, cluster by cluster."""

from typing import Annotated, Any

import typer

from deadlight.cli.output import Format, Output, counted, plain, print_table, show
from deadlight.cli.service import run
from deadlight.client.errors import ClientError
from deadlight.client.rest import RestClient
from deadlight.model.detection import BlockingMode

BLOCKING = "/api/v1/blocking"

app = typer.Typer(help="Blocking: what sensors stop, cluster by cluster.", no_args_is_help=True)


class UnknownClusterError(ClientError):
    """A name or ID that no cluster has."""


@app.command("list")
def list_blocking(*, output: Output = Format.TABLE) -> None:
    """List what is blocked in each cluster, and what that stopped or would have.

    Example: deadlight blocking list -o json
    """
    found = run(lambda client: client.get(BLOCKING))
    columns = ("Cluster", "Mode", "Stops", "Containers", "Would have stopped", "Killed", "Denied")
    show(found, output, lambda: print_table(columns, [_row(item) for item in found], empty="There is no cluster yet."))


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    stops = [name for name in ("drift", "mismatch") if item[name]]
    would = f"{counted(item['would_block_programs'], 'program')}, {counted(item['would_block_times'], 'time')}"
    least = "" if item["is_counted_whole"] else "at least "
    return (
        plain(item["cluster"]),
        item["mode"],
        ", ".join(stops) or "nothing",
        str(item["containers"]),
        least + would,
        f"{least}{item['killed']}",
        f"{least}{item['denied']}",
    )


@app.command("set")
def set_blocking(
    cluster: Annotated[str, typer.Argument(help="A cluster, by name or ID.")],
    mode: Annotated[BlockingMode, typer.Argument(help="Audit first, for a day at least.")],
    *,
    drift: Annotated[bool, typer.Option("--drift", help="Stop programs that are not the image's own.")] = False,
    mismatch: Annotated[bool, typer.Option("--mismatch", help="Stop programs whose hash is not the image's.")] = False,
    namespace: Annotated[list[str] | None, typer.Option(help="Only in these: patterns with * and ?.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Never in these namespaces.")] = None,
    i_know: Annotated[bool, typer.Option("--i-know", help="Enforce what has not been in audit for a day.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Say what sensors stop in a cluster. System namespaces are never blocked unless named letter by letter.

    Where the kernel lets it (BPF LSM) a program is denied before it runs, elsewhere killed as it starts. What an
    interpreter reads (a script given to python or sh) is not stopped: the interpreter is the image's own program.

    Examples:
      deadlight blocking set production audit --drift
      deadlight blocking set production enforce --drift --namespace "shop-*"
    """
    body: dict[str, Any] = {"mode": mode.value, "drift": drift, "mismatch": mismatch, "unproven": i_know}
    body |= {"included": namespace or [], "excluded": exclude or []}

    async def apply(client: RestClient) -> dict[str, Any]:
        known = [item for item in await client.get(BLOCKING) if cluster in {item["cluster"], item["cluster_id"]}]
        if len(known) != 1:
            count = len(known) or "no"
            raise UnknownClusterError(f"{count} clusters are called {cluster!r}; `deadlight clusters` lists them")
        changed: dict[str, Any] = await client.request("PUT", f"{BLOCKING}/{known[0]['cluster_id']}", body)
        return changed

    changed = run(apply)
    containers = counted(changed["containers"], "container")
    said = f"blocking is {changed['mode']} on {changed['cluster']}, about {containers} now"
    show(changed, output, lambda: typer.echo(said))
