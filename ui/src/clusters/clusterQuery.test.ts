import { expect, it } from "vitest";
import { formatClusterQuery, isNarrowed, parseClusterQuery, requestOf, toggled } from "./clusterQuery";

it("keeps a query in the address and leaves out what means nothing", () => {
  const address = "search=east&status=failed&provider=AWS&provider=Google&without=sca&order=sensors&descending=true";
  const query = parseClusterQuery(new URLSearchParams(`${address}`));
  expect(formatClusterQuery(query).toString()).toBe(address);
  expect(requestOf(query)).toMatchObject({ without_scanner: ["sca"], order_by: "sensors", descending: true });
  const nonsense = parseClusterQuery(new URLSearchParams("status=sad&order=luck&without=all"));
  expect(formatClusterQuery(nonsense).toString()).toBe("");
  expect([isNarrowed(query), isNarrowed(nonsense)]).toEqual([true, false]);
});

it("toggles a value", () => {
  expect(toggled(["a"], "b")).toEqual(["a", "b"]);
  expect(toggled(["a", "b"], "a")).toEqual(["b"]);
});
