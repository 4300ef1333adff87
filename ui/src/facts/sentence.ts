/** A text in parts, of which every second one stood between backticks: commands, names of settings. */
export function codeParts(text: string): readonly string[] {
  const parts = text.split("`");
  return parts.length % 2 === 1 ? parts : [text];
}

/** A text of the service, which may be a clause, as a sentence. */
export function sentence(text: string): string {
  const capitalised = text.charAt(0).toUpperCase() + text.slice(1);
  return text === "" || /[.!?]$/.test(text) ? capitalised : `${capitalised}.`;
}
