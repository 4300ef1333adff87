import { ClipboardCopyButton } from "@patternfly/react-core";
import { type ReactNode, useState } from "react";
import { copyText } from "./copyText";

interface CopyableProps {
  /** What is copied. */
  text: string;
  /** Names the button among others, as in "Copy repository path". */
  name: string;
  /** What is shown; the text itself where nothing else is said. */
  children?: ReactNode;
}

/** A text with a button that copies it. */
export function Copyable({ text, name, children }: CopyableProps) {
  const [isCopied, setIsCopied] = useState(false);
  const id = `copy-${name.replaceAll(/\W+/g, "-")}`;
  const copy = async () => {
    await copyText(text);
    setIsCopied(true);
  };
  return (
    <span className="dl-digest">
      <span id={id}>{children ?? text}</span>
      <ClipboardCopyButton
        id={`${id}-button`}
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
