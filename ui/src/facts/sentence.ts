/** A text of the service, which may be a clause, as a sentence. */
export function sentence(text: string): string {
  const capitalised = text.charAt(0).toUpperCase() + text.slice(1);
  return text === "" || /[.!?]$/.test(text) ? capitalised : `${capitalised}.`;
}
