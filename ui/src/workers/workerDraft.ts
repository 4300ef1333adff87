import type { DestinationIn, DestinationOut, EventType, WorkerIn, WorkerOut } from "../api/generated/types.gen";
import { splitLines } from "../forms/lines";

export type DestinationType = DestinationIn["type"];

/** A destination as its form holds it; only the fields of its type are used. */
export interface DestinationDraft {
  /** Tells the drafts of a form apart. */
  key: number;
  type: DestinationType;
  /** The stored destination this one keeps as it is; its configuration is secret and cannot be shown. */
  kept: DestinationOut | null;
  url: string;
  secret: string;
  headers: string;
  to: string;
  /** Whoever is responsible gets it, and `to` only where nobody is known. */
  toOwner: boolean;
  ownerDomains: string;
}

/** A worker as its form holds it. */
export interface WorkerDraft {
  name: string;
  description: string;
  eventTypes: readonly EventType[];
  criteria: string;
  enabled: boolean;
  demonstration: boolean;
  destinations: readonly DestinationDraft[];
}

/** Fields of the form that something can be wrong with. `form`: it is not known with which. */
export type Place = "name" | "eventTypes" | "criteria" | "destinations" | "form";

export type Mistakes = Partial<Record<Place, string>>;

export const NEW_WORKER: WorkerDraft = {
  name: "",
  description: "",
  eventTypes: ["IntegrityViolationDetected"],
  criteria: "",
  enabled: true,
  demonstration: false,
  destinations: [newDestination(1, "webhook")],
};

export function newDestination(key: number, type: DestinationType): DestinationDraft {
  return { key, type, kept: null, url: "", secret: "", headers: "", to: "", toOwner: false, ownerDomains: "" };
}

/** The draft with one more destination. */
export function withDestination(draft: WorkerDraft): WorkerDraft {
  const key = Math.max(0, ...draft.destinations.map((destination) => destination.key)) + 1;
  return { ...draft, destinations: [...draft.destinations, newDestination(key, "webhook")] };
}

/** What a form on a worker starts with. */
export function draftOf(worker: WorkerOut): WorkerDraft {
  return {
    name: worker.name,
    description: worker.description,
    eventTypes: worker.event_types as EventType[],
    criteria: worker.criteria,
    enabled: worker.enabled,
    demonstration: worker.demonstration,
    destinations: worker.destinations.map((kept, index) => ({
      ...newDestination(index + 1, kept.type as DestinationType),
      kept,
    })),
  };
}

/** What is sent to the service. */
export function bodyOf(draft: WorkerDraft): WorkerIn {
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    event_types: [...draft.eventTypes],
    criteria: draft.criteria.trim(),
    enabled: draft.enabled,
    demonstration: draft.demonstration,
    destinations: draft.destinations.map((destination) =>
      destination.kept
        ? { id: destination.kept.id, type: destination.type }
        : { type: destination.type, config: configOf(destination) },
    ),
  };
}

function configOf({
  type,
  url,
  secret,
  headers,
  to,
  toOwner,
  ownerDomains,
}: DestinationDraft): Record<string, unknown> {
  switch (type) {
    case "webhook":
      return { url: url.trim(), secret: secret.trim(), headers: parseHeaders(headers) };
    case "slack":
      return { url: url.trim() };
    case "email":
      return toOwner
        ? { to: splitLines(to), to_owner: true, owner_domains: splitLines(ownerDomains) }
        : { to: splitLines(to) };
  }
}

const HEADER = /^([^:]+):(.*)$/;

/** Headers written as `Name: value`, one on each line; lines without a colon are left out. */
export function parseHeaders(text: string): Record<string, string> {
  const pairs = text.split("\n").map((line) => HEADER.exec(line));
  return Object.fromEntries(pairs.flatMap((pair) => (pair ? [[pair[1]?.trim(), pair[2]?.trim()]] : [])));
}

/** What has to be put right before the service is asked at all. */
export function findMistakes(draft: WorkerDraft): Mistakes {
  const mistakes: Mistakes = {};
  if (!draft.name.trim()) {
    mistakes.name = "Give the worker a name.";
  }
  if (draft.eventTypes.length === 0) {
    mistakes.eventTypes = "Choose at least one event.";
  }
  if (draft.destinations.length === 0) {
    mistakes.destinations = "Add at least one destination.";
  } else if (draft.destinations.some(isEmpty)) {
    mistakes.destinations = "Fill in every destination, or remove those you do not need.";
  } else {
    const line = draft.destinations.flatMap(({ headers }) => headers.split("\n")).find(isNoHeader);
    if (line !== undefined) {
      mistakes.destinations = `“${line.trim()}” is no header: write each as Name: value, on a line of its own.`;
    }
  }
  return mistakes;
}

function isNoHeader(line: string): boolean {
  return line.trim() !== "" && !HEADER.test(line);
}

function isEmpty(destination: DestinationDraft): boolean {
  if (destination.kept) {
    return false;
  }
  if (destination.type !== "email") {
    return !destination.url.trim();
  }
  const isUnbounded = destination.toOwner && splitLines(destination.ownerDomains).length === 0;
  return isUnbounded || splitLines(destination.to).length === 0;
}

/** The field a refusal of the service is about, as far as its text tells. */
export function placeOf(message: string): Place {
  if (/^(the )?criteria\b/i.test(message)) {
    return "criteria";
  }
  if (/^there already is a worker\b|^name:/i.test(message)) {
    return "name";
  }
  return /\bdestinations?\b/i.test(message) ? "destinations" : "form";
}
