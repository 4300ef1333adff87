import { expect, it } from "vitest";
import { parseLiveQuery } from "../live/liveQuery";
import { PROCESS_ORDERS, processListOptions, processPath } from "./processList";

it("tells processes apart by image and program: one program in two images is two", () => {
  expect(processPath({ image_tag_id: 3, program_id: "9" })).toBe("/runtime/live/processes/3/9");
  expect(processPath({ image_tag_id: 4, program_id: "9" })).not.toBe(processPath({ image_tag_id: 3, program_id: "9" }));
});

it("asks for the riskiest first unless the address says otherwise", () => {
  const asked = (address: string) => {
    const query = parseLiveQuery(new URLSearchParams(address), Object.keys(PROCESS_ORDERS));
    return processListOptions(query).queryKey[0]?.query.order;
  };
  expect(asked("process=sh")).toBe("risk");
  expect(asked("order=seen")).toBe("seen");
  expect(asked("order=registry")).toBe("risk");
});
