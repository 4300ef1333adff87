import { expect, it } from "vitest";
import { asProblem, Problem, problemFrom } from "./problem";

it("says what the service said, as a sentence", () => {
  const problem = problemFrom(
    { code: "conflict", message: "there already is one" },
    new Response(null, { status: 409 }),
  );
  expect(problem).toMatchObject({
    status: 409,
    code: "conflict",
    message: "There already is one.",
    isTransient: false,
  });
});

it("tells an answer without a reason from no answer at all", () => {
  const silent = problemFrom("<html>Bad gateway</html>", new Response(null, { status: 502 }));
  expect(silent).toMatchObject({ message: "The service answered 502 without saying why.", isTransient: true });
  expect(problemFrom(undefined, undefined)).toMatchObject({ status: 0, code: "unreachable", isTransient: true });
});

it("keeps a problem and wraps whatever else was thrown", () => {
  const problem = new Problem(404, "not_found", "There is none.");
  expect(asProblem(problem)).toBe(problem);
  expect(asProblem(new TypeError("failed"))).toMatchObject({ status: 0, message: "TypeError: failed" });
});
