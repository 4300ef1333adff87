import { SearchInput } from "@patternfly/react-core";
import { useEffect, useRef, useState } from "react";

interface SearchFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

const PAUSE_MILLISECONDS = 300;

/** A search that is carried out once the reader pauses typing. */
export function SearchField({ label, value, onChange }: SearchFieldProps) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  useEffect(() => {
    // What this field said itself comes back late, when more may have been typed.
    if (value !== sent.current) {
      sent.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    if (text === value) {
      return undefined;
    }
    const timer = setTimeout(() => {
      sent.current = text;
      onChange(text);
    }, PAUSE_MILLISECONDS);
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
