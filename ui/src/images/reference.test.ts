import { expect, it } from "vitest";
import { architectureOf, imageName } from "./reference";

it("names an image that is only pinned without a tag", () => {
  expect(imageName({ registry: "r:5000", repository: "a/b", tag: "1" })).toBe("r:5000/a/b:1");
  expect(imageName({ registry: "r:5000", repository: "a/b", tag: "" })).toBe("r:5000/a/b");
});

it("keeps the variant of a processor", () => {
  expect(architectureOf("linux/arm64/v8")).toBe("arm64/v8");
  expect(architectureOf("odd")).toBe("odd");
});
