import { expect, it } from "vitest";
import { architectureOf, imageName, imageParts } from "./reference";

it("names an image that is only pinned without a tag", () => {
  expect(imageName({ registry: "r:5000", repository: "a/b", tag: "1" })).toBe("r:5000/a/b:1");
  expect(imageName({ registry: "r:5000", repository: "a/b", tag: "" })).toBe("r:5000/a/b");
});

it("breaks an image's name between its parts only", () => {
  expect(imageParts("registry.example.com:5000/shop/web-shop:1.4.2-rc")).toEqual([
    "registry.",
    "example.",
    "com:",
    "5000/",
    "shop/",
    "web-",
    "shop:",
    "1.4.2-",
    "rc",
  ]);
  expect(imageParts("nginx.old:1.25")).toEqual(["nginx.old:", "1.25"]);
});

it("shortens an image's digest", () => {
  const digest = `sha256:${"1f".repeat(32)}`;
  expect(imageParts(`r/a@${digest}`).join("")).toBe("r/a@sha256:1f1f1f1f1f1f");
  expect(imageParts(`r/a:1@${digest}`).join("")).toBe("r/a:1@sha256:1f1f1f1f1f1f");
  expect(imageParts(`r/${"1f".repeat(32)}`).join("")).toBe(`r/${"1f".repeat(32)}`);
});

it("keeps the variant of a processor", () => {
  expect(architectureOf("linux/arm64/v8")).toBe("arm64/v8");
  expect(architectureOf("odd")).toBe("odd");
});
