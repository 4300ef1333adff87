import { ClipboardCopy } from "@patternfly/react-core";
import { copyText } from "./copyText";

/** A command line to run elsewhere. */
export function Command({ children, name }: { children: string; name: string }) {
  return (
    <ClipboardCopy
      isReadOnly
      isCode
      hoverTip="Copy"
      clickTip="Copied"
      textAriaLabel={name}
      onCopy={() => void copyText(children)}
      className="dl-command"
    >
      {children}
    </ClipboardCopy>
  );
}
