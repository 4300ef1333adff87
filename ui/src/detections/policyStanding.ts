import { queryOptions } from "@tanstack/react-query";
import { listSensorPolicies } from "../api/generated/sdk.gen";
import type { PolicyStanding } from "../api/generated/types.gen";

/** Sensors take up a change with a heartbeat, which is no event, so the pages ask by themselves. */
const INTERVAL_MILLISECONDS = 15_000;

/** How many sensors have the current policy, cluster by cluster. */
export function standingOptions() {
  return queryOptions({
    queryKey: [{ _id: "listSensorPolicies" }],
    queryFn: async ({ signal }) => {
      const { data } = await listSensorPolicies({ signal, throwOnError: true });
      return data;
    },
    refetchInterval: INTERVAL_MILLISECONDS,
  });
}

/** In one line: how many sensors of how many have the policy that they should. */
export function describeStanding(clusters: readonly PolicyStanding[]): string {
  const sensors = clusters.reduce((sum, { sensors }) => sum + sensors, 0);
  const current = clusters.reduce((sum, { current }) => sum + current, 0);
  const [only] = clusters;
  const policy = clusters.length === 1 && only && only.policy > 0 ? `policy ${only.policy}` : "the current policy";
  return `${current} of ${sensors} ${sensors === 1 ? "sensor has" : "sensors have"} ${policy}`;
}
