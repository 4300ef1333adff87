import { codeParts } from "./sentence";

/** A text of the service, with what it puts between backticks as code. */
export function Said({ text }: { text: string }) {
  return codeParts(text).map((part, place) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text are told by their place
    place % 2 === 1 ? <code key={place}>{part}</code> : part,
  );
}
