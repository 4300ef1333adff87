import { describe, expect, it } from "vitest";
import {
  bodyOf,
  findMistakes,
  NEW_WORKER,
  newDestination,
  parseHeaders,
  placeOf,
  withDestination,
} from "./workerDraft";

const KEPT = { id: 4, type: "webhook", label: "https://hooks.example/…" };
const WEBHOOK = { ...newDestination(1, "webhook"), url: " https://hooks.example/x " };

describe("what is sent to the service", () => {
  it("has no blanks around it, and only what the channel knows", () => {
    const email = {
      ...newDestination(2, "email"),
      to: "a@example.com\n\n b@example.com,a@example.com",
      url: "left over",
    };
    const body = bodyOf({ ...NEW_WORKER, name: " Night watch ", criteria: " true ", destinations: [WEBHOOK, email] });
    expect(body).toMatchObject({ name: "Night watch", criteria: "true", event_types: ["IntegrityViolationDetected"] });
    expect(body.destinations).toEqual([
      { type: "webhook", config: { url: "https://hooks.example/x", secret: "", headers: {} } },
      { type: "email", config: { to: ["a@example.com", "b@example.com"] } },
    ]);
  });

  it("mails to owners only in the domains that are named", () => {
    const email = { ...newDestination(1, "email"), to: "a@example.com", toOwner: true, ownerDomains: "example.com" };
    expect(bodyOf({ ...NEW_WORKER, destinations: [email] }).destinations).toEqual([
      { type: "email", config: { to: ["a@example.com"], to_owner: true, owner_domains: ["example.com"] } },
    ]);
    const unbounded = { ...NEW_WORKER, name: "x", destinations: [{ ...email, ownerDomains: " " }] };
    expect(findMistakes(unbounded).destinations).toContain("Fill in every destination");
  });

  it("never replaces the secrets of a destination that is kept", () => {
    const draft = { ...NEW_WORKER, destinations: [{ ...WEBHOOK, kept: KEPT }] };
    expect(bodyOf(draft).destinations).toEqual([{ id: 4, type: "webhook" }]);
    expect(findMistakes({ ...draft, name: "x" })).toEqual({});
  });
});

it("finds everything that is missing at once", () => {
  const places = Object.keys(findMistakes({ ...NEW_WORKER, eventTypes: [] }));
  expect(places).toEqual(["name", "eventTypes", "destinations"]);
  expect(findMistakes({ ...NEW_WORKER, destinations: [] }).destinations).toBe("Add at least one destination.");
});

it("gives every destination of a form a key of its own, also after one was removed", () => {
  const [, second] = withDestination(NEW_WORKER).destinations;
  const left = withDestination({ ...NEW_WORKER, destinations: second ? [second] : [] });
  expect(new Set(left.destinations.map(({ key }) => key)).size).toBe(2);
});

it("reads headers whose values have colons, and skips what is none", () => {
  expect(parseHeaders("Authorization: Bearer a:b\nnonsense\n X-Team :shop")).toEqual({
    Authorization: "Bearer a:b",
    "X-Team": "shop",
  });
});

it("asks for the name of a header instead of losing the line", () => {
  const draft = { ...NEW_WORKER, name: "x", destinations: [{ ...WEBHOOK, headers: "X-Team: shop\nBearer abc" }] };
  expect(findMistakes(draft).destinations).toContain("“Bearer abc” is no header");
});

it.each([
  ["The criteria do not compile: no such field.", "criteria"],
  ["There already is a worker 'x'.", "name"],
  ["Destination 1: the address is not allowed.", "destinations"],
  ["Something else.", "form"],
])("puts %j beside the field %s", (message, place) => {
  expect(placeOf(message)).toBe(place);
});
