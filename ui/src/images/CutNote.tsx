interface CutNoteProps {
  /** Undefined while loading. */
  shown: number | undefined;
  total: number | undefined;
  what: string;
}

/** Says so where a list is not shown to its end. */
export function CutNote({ shown = 0, total = 0, what }: CutNoteProps) {
  if (total <= shown) {
    return null;
  }
  return (
    <span>
      The first {shown} of {total} {what}; the others are not shown.
    </span>
  );
}
