import { ClipboardCopyButton } from "@patternfly/react-core";
import { useState } from "react";
import { copyText } from "./copyText";
import { shortDigest } from "./digest";

interface DigestProps {
  digest: string;
  /** Names the button among others, as in "Copy runtime digest". */
  name: string;
  isShort?: boolean;
}

/** A digest that can be copied whole, also where only its beginning is shown. */
export function Digest({ digest, name, isShort = false }: DigestProps) {
  const [isCopied, setIsCopied] = useState(false);
  const id = `digest-${name.replaceAll(/\W+/g, "-")}`;
  const copy = async () => {
    await copyText(digest);
    setIsCopied(true);
  };
  return (
    <span className="dl-digest">
      <code id={id} title={isShort ? digest : undefined}>
        {isShort ? shortDigest(digest) : digest}
      </code>
      <ClipboardCopyButton
        id={`${id}-copy`}
        textId={id}
        aria-label={`Copy ${name}`}
        variant="plain"
        onClick={() => void copy()}
        onTooltipHidden={() => setIsCopied(false)}
      >
        {isCopied ? "Copied" : `Copy ${name}`}
      </ClipboardCopyButton>
    </span>
  );
}
