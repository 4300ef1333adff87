const SHOWN_CHARACTERS = 12;

/** The beginning of a digest, as people know it from other tools: `sha256:1f1f1f1f1f1f`. */
export function shortDigest(digest: string): string {
  const [algorithm = "", hex] = digest.split(":");
  return hex === undefined ? digest : `${algorithm}:${hex.slice(0, SHOWN_CHARACTERS)}`;
}
