import { expect, it } from "vitest";
import type { PolicyStanding } from "../api/generated/types.gen";
import { describeStanding } from "./policyStanding";

const EAST: PolicyStanding = {
  cluster_id: "1",
  cluster: "east",
  policy: 17,
  sensors: 45,
  current: 42,
  behind: [],
  demonstration: false,
};

it("names the policy where it is one", () => {
  expect(describeStanding([EAST])).toBe("42 of 45 sensors have policy 17");
  expect(describeStanding([{ ...EAST, policy: 0, sensors: 1, current: 1 }])).toBe(
    "1 of 1 sensor has the current policy",
  );
});

it("adds up clusters, each of which has a policy of its own", () => {
  const west = { ...EAST, cluster: "west", policy: 3, sensors: 5, current: 5 };
  expect(describeStanding([EAST, west])).toBe("47 of 50 sensors have the current policy");
});
