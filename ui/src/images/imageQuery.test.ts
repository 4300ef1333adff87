import { describe, expect, it } from "vitest";
import { formatImageQuery, isNarrowed, parseImageQuery, toggleValue } from "./imageQuery";

const parse = (address: string) => parseImageQuery(new URLSearchParams(address));

describe("the filters of an address", () => {
  it("come back the same after they were written down", () => {
    const address =
      "search=a+b&risk=malicious&severity=Low&cluster=x&cluster=y&namespace=shop&cve=CVE-1&period=24+hours";
    expect(formatImageQuery(parse(address)).toString()).toBe(address);
  });

  it("leave out what means nothing, what is empty and what is said twice", () => {
    const query = parse("risk=evil&risk=malicious&severity=critical&cluster=&cluster=x&cluster=x&period=ages&other=1");
    expect(formatImageQuery(query).toString()).toBe("risk=malicious&cluster=x");
  });

  it("are no names of what every object has", () => {
    expect(parse("period=toString").period).toBe("now");
  });

  it("are bounded in number", () => {
    expect(parse(Array.from({ length: 500 }, (_, index) => `cve=${index}`).join("&")).cve).toHaveLength(100);
  });
});

it("chooses a value and no longer chooses it", () => {
  const chosen = toggleValue(parse("risk=malicious"), "risk", "untrusted_registry");
  expect(chosen.risk).toEqual(["malicious", "untrusted_registry"]);
  expect(toggleValue(chosen, "risk", "malicious").risk).toEqual(["untrusted_registry"]);
});

it("counts a period as no narrowing: it says what the list is of", () => {
  expect(isNarrowed(parse("period=7+days"))).toBe(false);
  expect(isNarrowed(parse("search=web"))).toBe(true);
  expect(isNarrowed(parse("cve=CVE-1"))).toBe(true);
});
