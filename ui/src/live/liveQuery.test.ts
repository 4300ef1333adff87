import { describe, expect, it } from "vitest";
import { describeView, formatLiveQuery, isNarrowed, parseLiveQuery, toggleValue } from "./liveQuery";

const parse = (address: string) => parseLiveQuery(new URLSearchParams(address), ["name"]);

describe("the filters of an address", () => {
  it("come back the same after they were written down", () => {
    const address =
      "search=a+b&risk=malicious&severity=Low&cve=CVE-1&package=openssl&process=sh&cluster=x&cluster=y" +
      "&namespace=shop&period=24+hours&order=name&view=7";
    expect(formatLiveQuery(parse(address)).toString()).toBe(address);
  });

  it("leave out what means nothing, what is empty and what is said twice", () => {
    const query = parse(
      "risk=evil&risk=malicious&severity=critical&cluster=&cluster=x&cluster=x&period=ages&order=luck&view=-1&other=1",
    );
    expect(formatLiveQuery(query).toString()).toBe("risk=malicious&cluster=x");
  });

  it("are no names of what every object has", () => {
    expect(parse("period=toString").period).toBe("now");
  });

  it("are bounded in number", () => {
    expect(parse(Array.from({ length: 500 }, (_, index) => `cve=${index}`).join("&")).values.cve).toHaveLength(100);
  });
});

it("chooses a value and no longer chooses it", () => {
  const chosen = toggleValue(parse("risk=malicious"), "risk", "untrusted_registry");
  expect(chosen.values.risk).toEqual(["malicious", "untrusted_registry"]);
  expect(toggleValue(chosen, "risk", "malicious").values.risk).toEqual(["untrusted_registry"]);
  expect(toggleValue(parse("risk=malicious"), "risk", "malicious").values).toEqual({});
});

it("counts a period as no narrowing: it says what the list is of", () => {
  expect(isNarrowed(parse("period=7+days&view=1"))).toBe(false);
  expect(isNarrowed(parse("search=web"))).toBe(true);
  expect(isNarrowed(parse("cve=CVE-1"))).toBe(true);
});

it("keeps in a view everything but which view it is", () => {
  expect(describeView(parse("risk=malicious&period=1+hour&view=3"))).toBe("risk=malicious&period=1+hour");
});
