import { SearchInput } from "@patternfly/react-core";
import { useEffect, useState } from "react";

interface SearchFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

const PAUSE_MILLISECONDS = 300;

/** A search that is carried out once the reader pauses typing. */
export function SearchField({ label, value, onChange }: SearchFieldProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) {
      return undefined;
    }
    const timer = setTimeout(() => onChange(text), PAUSE_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);

  return (
    <SearchInput
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(_, typed) => setText(typed)}
      onClear={() => setText("")}
    />
  );
}
