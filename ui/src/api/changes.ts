import type { QueryClient } from "@tanstack/react-query";
import { SESSION_KEY } from "../session/session";
import type * as sdk from "./generated/sdk.gen";

type Operation = keyof typeof sdk;

const GATHER_MILLISECONDS = 1_000;

const PROCESSES: readonly Operation[] = [
  "listLiveProcesses",
  "getLiveProcessSummary",
  "getLiveProcess",
  "listProcessVulnerabilities",
  "listWorkloadProcesses",
];
const IMAGES: readonly Operation[] = [
  ...PROCESSES,
  "listLiveWorkloads",
  "getLiveWorkloadSummary",
  "getLiveWorkload",
  "listLiveImages",
  "getLiveImageSummary",
  "listLiveImageTags",
  "getImageTag",
  "getFunnel",
];
const IMAGE: readonly Operation[] = [...IMAGES, "getImageTagIssue"];
const PLACES: readonly Operation[] = [
  ...IMAGE,
  "listImageTagWorkloads",
  "listImageTagClusters",
  "listImageTagViolationPlaces",
];
const VERDICTS: readonly Operation[] = [...PLACES, "getImageTagHistory"];
const FINDINGS: readonly Operation[] = [
  ...IMAGE,
  "listImageTagVulnerabilities",
  "getImageTagVulnerability",
  "listImageTagPackages",
  "listImageTagExposures",
  "getImageTagScanStatus",
];
const ALERTS: readonly Operation[] = ["listWorkers", "getWorker", "listAlerts", "getAlert"];
const EXPOSURE: readonly Operation[] = ["listExposureWindows", "getExposureWindow", "getExposureStatistics"];
const DETECTIONS: readonly Operation[] = ["listDetections", "getDetection", "listThreatRules"];

/** Which answers of the service each kind of change makes old. A kind that is not here makes all of them old. */
const AFFECTED: Readonly<Record<string, readonly Operation[]>> = {
  WorkloadChanged: [...PLACES, ...ALERTS, ...EXPOSURE, "listClusters"],
  ImageObserved: IMAGES,
  ImageScanned: [...FINDINGS, ...EXPOSURE],
  IntegrityViolationDetected: [...VERDICTS, ...ALERTS, ...EXPOSURE],
  IntegrityViolationClosed: [...VERDICTS, ...ALERTS, ...EXPOSURE],
  UntrustedRegistryDetected: [...VERDICTS, ...ALERTS, ...EXPOSURE],
  UntrustedRegistryClosed: [...VERDICTS, ...EXPOSURE],
  VulnerabilitiesChanged: [...FINDINGS, ...ALERTS, ...EXPOSURE],
  ThreatDetected: [...DETECTIONS, ...ALERTS],
  DetectionChanged: [...DETECTIONS, ...IMAGES, ...EXPOSURE],
  PackagesUsed: FINDINGS,
  ProgramsUsedPackages: FINDINGS,
  AdvisoriesChanged: FINDINGS,
  ClusterConfigured: ["listManagedClusters", "getManagedCluster"],
  RegistryChanged: [...VERDICTS, "listRegistries"],
  image_risk: FINDINGS,
  process: [...PROCESSES, "listLiveWorkloads", "getLiveWorkloadSummary", "getLiveWorkload", "listAccessedFiles"],
};

/** The operations whose answers may differ after these changes; null: all of them. */
export function affectedOperations(kinds: Iterable<string>): ReadonlySet<string> | null {
  const affected = new Set<string>();
  for (const kind of kinds) {
    const operations = AFFECTED[kind];
    if (operations === undefined) {
      return null;
    }
    for (const operation of operations) {
      affected.add(operation);
    }
  }
  return affected;
}

/**
 * Asks again what the service says has changed, as long as the page is open. Changes of a second are gathered, and
 * what is shown stays until the new answer is there, so that readers keep their place. Returns how to stop.
 */
export function followChanges(queryClient: QueryClient): () => void {
  const source = new EventSource("/api/v1/changes");
  const waiting = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const refresh = () => {
    timer = undefined;
    const operations = affectedOperations(waiting);
    waiting.clear();
    void queryClient.invalidateQueries({
      predicate: ({ queryKey }) => isAffected(queryKey[0], operations),
    });
  };
  const gather = (kinds: readonly string[]) => {
    for (const kind of kinds) {
      waiting.add(kind);
    }
    timer ??= setTimeout(refresh, GATHER_MILLISECONDS);
  };

  let wasOpen = false;
  source.addEventListener("open", () => {
    if (wasOpen) {
      gather(["whatever was missed"]);
    }
    wasOpen = true;
  });
  source.addEventListener("changed", (event: MessageEvent<string>) => gather(event.data.split(",")));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) {
      void queryClient.invalidateQueries({ queryKey: SESSION_KEY });
    }
  });
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

function isAffected(key: unknown, operations: ReadonlySet<string> | null): boolean {
  if (typeof key !== "object" || key === null || !("_id" in key)) {
    return false;
  }
  return operations === null || operations.has(String(key._id));
}
