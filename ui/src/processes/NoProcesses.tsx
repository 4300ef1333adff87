import { Command } from "../facts/Command";
import { NothingYet } from "../states/NothingYet";

/** Why no process is known: nobody looks, or nothing has been seen. */
export function NoProcesses({ hasSensors }: { hasSensors: boolean | undefined }) {
  if (hasSensors === false) {
    return (
      <NothingYet
        title="No sensor is installed"
        actions={
          <Command name="Command to install sensors">
            helm upgrade deadlight-agent charts/deadlight-agent --reuse-values --set sensors.enabled=true
          </Command>
        }
      >
        Your clusters have a controller alone: it tells which images run, not what they execute. Sensors on the nodes
        see processes, the packages they use and the files they open.
      </NothingYet>
    );
  }
  return (
    <NothingYet title="No process was seen">
      Sensors report a program when it starts, or when they start themselves and it is executed again. Choose a longer
      period to see what ran before.
    </NothingYet>
  );
}
