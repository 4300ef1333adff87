const UNSEEN = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * A text that a container chose, with what has no shape of its own written out (`\u202e`): else letters that turn the
 * direction of what follows make a command look like another one.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (letter) => {
    const number = (letter.codePointAt(0) ?? 0).toString(16);
    return number.length > 4 ? `\\U${number.padStart(8, "0")}` : `\\u${number.padStart(4, "0")}`;
  });
}
