import { expect, it } from "vitest";
import { affectedOperations } from "./changes";

it("asks again for what any of the changes makes old", () => {
  const operations = affectedOperations(["ImageObserved", "RegistryChanged"]);
  expect(operations).toContain("listLiveImageTags");
  expect(operations).toContain("listRegistries");
  expect(operations).not.toContain("listAlerts");
});

it("asks again for everything after a change it does not know", () => {
  expect(affectedOperations(["ImageObserved", "SomethingNew"])).toBeNull();
});
