/** The entries of a text with one on each line (or separated by commas), without blanks and repetitions. */
export function splitLines(text: string): string[] {
  return [...new Set(text.split(/[\n,]/).map((line) => line.trim()))].filter(Boolean);
}

/** The reverse, for showing a list in a text field. */
export function joinLines(entries: readonly string[]): string {
  return entries.join("\n");
}
