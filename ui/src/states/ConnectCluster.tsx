import { Command } from "../facts/Command";
import { NothingYet } from "./NothingYet";

/** How the first cluster gets here. */
export function ConnectCluster() {
  return (
    <NothingYet
      title="No cluster is connected yet"
      actions={<Command name="Command to connect a cluster">deadlight connect</Command>}
    >
      On the machine that runs Deadlight, this command prints how to connect a cluster: from that machine, or with the
      Helm chart. The cluster appears here with its first contact.
    </NothingYet>
  );
}
