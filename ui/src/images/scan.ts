import type { LabelProps } from "@patternfly/react-core";

interface ScanState {
  name: string;
  meaning: string;
  status: LabelProps["status"];
}

const STATES: Readonly<Record<string, ScanState>> = {
  queued: { name: "Queued", meaning: "The image will be scanned in a moment.", status: undefined },
  running: { name: "Scanning", meaning: "The image is being scanned.", status: "info" },
  waiting: {
    name: "Waiting",
    meaning: "The registry or its scanner had no answer yet; it is tried again by itself.",
    status: "warning",
  },
  done: { name: "Scanned", meaning: "", status: "success" },
  failed: { name: "Failed", meaning: "The image could not be scanned.", status: "danger" },
  switched_off: {
    name: "Not scanned",
    meaning: "SCA is switched off in every cluster that runs the image.",
    status: "warning",
  },
  expired: {
    name: "Expired",
    meaning: "The result has expired, and nothing that is scanned runs it.",
    status: "warning",
  },
  skipped: { name: "Skipped", meaning: "The image is not scanned.", status: "warning" },
};

/** What a scan's status means; one this console does not know is shown as it is. */
export function describeScan(status: string): ScanState {
  return STATES[status] ?? { name: status, meaning: "", status: undefined };
}
