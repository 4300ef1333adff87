import { expect, it } from "vitest";
import { clusterNameMistake, namespaceMistake, newEnvironment } from "./environment";

it("starts with controller and sensors in the usual namespace", () => {
  expect(newEnvironment("")).toMatchObject({ installation: "controller_and_sensors", namespace: "deadlight" });
});

it.each(["production", "a", "arn:aws:eks:eu-west-1:1:cluster/shop", "gke_shop_europe"])("takes the name %s", (name) =>
  expect(clusterNameMistake(name)).toBe(""),
);

it.each(["", " ", "-a", "a b", "$(id)", "a;b", "a'", "x".repeat(254)])("refuses the name %j", (name) =>
  expect(clusterNameMistake(name)).not.toBe(""),
);

it.each(["", "Upper", "a_b", "-a", "x".repeat(64)])("refuses the namespace %j", (name) =>
  expect(namespaceMistake(name)).not.toBe(""),
);
