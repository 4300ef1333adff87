import { FormGroup, FormHelperText, HelperText, HelperTextItem, TextArea, TextInput } from "@patternfly/react-core";
import type { ReactNode } from "react";

interface FieldProps {
  id: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  help?: ReactNode;
  /** What is wrong with the value; shown in place of the help. */
  mistake?: string;
  isRequired?: boolean;
  type?: "text" | "url" | "password";
  /** Several lines instead of one. */
  lines?: number;
  placeholder?: string;
  /** What is entered is code or names of things, not prose. */
  isCode?: boolean;
}

/** A labelled text field with its help or what is wrong with it. */
export function Field({
  id,
  label,
  value,
  onChange,
  help,
  mistake,
  isRequired,
  type,
  lines,
  placeholder,
  isCode,
}: FieldProps) {
  const shared = {
    id,
    value,
    isRequired,
    placeholder,
    validated: mistake ? ("error" as const) : ("default" as const),
    "aria-describedby": help || mistake ? `${id}-help` : undefined,
    className: isCode ? "dl-code-input" : undefined,
    spellCheck: isCode ? false : undefined,
    autoComplete: type === "password" ? "new-password" : "off",
    onChange: (_: unknown, changed: string) => onChange(changed),
  };
  return (
    <FormGroup label={label} fieldId={id} isRequired={isRequired}>
      {lines ? (
        <TextArea {...shared} rows={lines} resizeOrientation="vertical" />
      ) : (
        <TextInput {...shared} type={type} />
      )}
      {(help || mistake) && (
        <FormHelperText>
          <HelperText id={`${id}-help`} isLiveRegion>
            <HelperTextItem variant={mistake ? "error" : "default"}>{mistake || help}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}
