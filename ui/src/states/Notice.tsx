import { Alert } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { asProblem } from "../api/problem";
import { Said } from "../facts/Said";

interface NoticeProps {
  variant: "success" | "info" | "warning" | "danger";
  title: ReactNode;
  children?: ReactNode;
  /** Without a frame. */
  isPlain?: boolean;
}

/** A note in the flow of a page. Its title is no heading: notices come and go anywhere among headings. */
export function Notice({ variant, title, children, isPlain }: NoticeProps) {
  return (
    <Alert
      isInline
      isPlain={isPlain}
      isLiveRegion={variant === "success" || variant === "danger"}
      variant={variant}
      title={title}
      component="p"
    >
      {children}
    </Alert>
  );
}

/** What the service answered to something the reader did, when that went wrong; nothing otherwise. */
export function Refusal({ title, error }: { title: string; error: unknown }) {
  return error ? (
    <Notice variant="danger" title={title}>
      <Said text={asProblem(error).message} />
    </Notice>
  ) : null;
}
