import { FormGroup, FormHelperText, HelperText, HelperTextItem, TextInput } from "@patternfly/react-core";

interface PasswordFieldProps {
  id: string;
  label: string;
  autoComplete: "current-password" | "new-password";
  value: string;
  onChange: (value: string) => void;
  help?: string;
  mistake?: string;
}

export function PasswordField({ id, label, autoComplete, value, onChange, help, mistake }: PasswordFieldProps) {
  const text = mistake || help;
  return (
    <FormGroup label={label} isRequired fieldId={id}>
      <TextInput
        id={id}
        type="password"
        autoComplete={autoComplete}
        isRequired
        value={value}
        validated={mistake ? "error" : "default"}
        aria-describedby={text ? `${id}-help` : undefined}
        onChange={(_, changed) => onChange(changed)}
      />
      {text && (
        <FormHelperText>
          <HelperText id={`${id}-help`} isLiveRegion>
            <HelperTextItem variant={mistake ? "error" : "default"}>{text}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}
