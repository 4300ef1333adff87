import { Copyable } from "./Copyable";
import { shortDigest } from "./digest";

interface DigestProps {
  digest: string;
  /** Names the button among others, as in "Copy runtime digest". */
  name: string;
  isShort?: boolean;
  /** Where to look at what it names. */
  link?: string;
}

/** A digest that can be copied whole, also where only its beginning is shown. */
export function Digest({ digest, name, isShort = false, link = "" }: DigestProps) {
  const code = <code title={isShort ? digest : undefined}>{isShort ? shortDigest(digest) : digest}</code>;
  return (
    <Copyable text={digest} name={name}>
      {link ? (
        <a href={link} target="_blank" rel="noreferrer">
          {code}
        </a>
      ) : (
        code
      )}
    </Copyable>
  );
}
