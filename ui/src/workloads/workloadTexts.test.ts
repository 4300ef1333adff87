import { expect, it } from "vitest";
import { describeKind, describeSource } from "./workloadTexts";

it("says of what vulnerabilities are counted: of processes where sensors look, else of images", () => {
  const known = { processes_count: 0, images_count: 1, severities: { Critical: 1 } };
  expect(describeSource({ ...known, processes_count: 1 })).toBe("used by 1 process");
  expect(describeSource({ ...known, processes_count: 2, severities: null })).toBe("used by 2 processes");
  expect(describeSource(known)).toBe("in its image");
  expect(describeSource({ ...known, images_count: 3 })).toBe("in its 3 images");
});

it("says of nothing that nobody has looked into what is in it", () => {
  expect(describeSource({ processes_count: 0, images_count: 1, severities: null })).toBe("");
});

it("names the processors where they are known", () => {
  expect(describeKind({ kind: "Deployment", architectures: ["amd64", "arm64"] })).toBe("Deployment · amd64, arm64");
  expect(describeKind({ kind: "Job", architectures: [] })).toBe("Job");
});
