import { expect, it } from "vitest";
import { commandOf } from "../detections/command";
import { visible } from "./visible";

it("writes out what turns, hides or ends a text", () => {
  expect(visible("cat \u202egnp.txt\u202c")).toBe("cat \\u202egnp.txt\\u202c");
  expect(visible("a\u200bb\u2066c\u2069 \x1b[31m \x9b \u{e0041}")).toBe(
    "a\\u200bb\\u2066c\\u2069 \\u001b[31m \\u009b \\U000e0041",
  );
});

it("leaves letters of every language, tabs and lines as they are", () => {
  const text = "größe\tשלום مرحبا 日本 👍\n{}";
  expect(visible(text)).toBe(text);
});

it("does so in a process's arguments", () => {
  const process = { name: "sh", path: "/bin/sh", arguments: ["sh", "\u202e-c"], pid: 1, user: null };
  expect(commandOf(process)).toBe("sh \\u202e-c");
});
