import { Button } from "@patternfly/react-core";
import { Link } from "react-router";
import { INSTALL_PATH } from "../clusters/clusterPath";
import { Command } from "../facts/Command";
import { useMay } from "../session/session";
import { NothingYet } from "./NothingYet";

/** How the first cluster gets here. */
export function ConnectCluster() {
  const mayInstall = useMay("admin");
  return (
    <NothingYet
      title="No cluster is connected yet"
      actions={
        <>
          {mayInstall && <Button component={(link) => <Link {...link} to={INSTALL_PATH} />}>Install Runtime</Button>}
          <Command name="Command to connect a cluster">deadlight connect</Command>
        </>
      }
    >
      Install Runtime gives the commands for a cluster. On the machine that runs Deadlight, the command below prints the
      same. The cluster appears here with its first contact.
    </NothingYet>
  );
}
