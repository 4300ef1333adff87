import { ActionGroup, Button, Form } from "@patternfly/react-core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { changePasswordMutation, signOutMutation } from "../api/generated/@tanstack/react-query.gen";
import { DoorPage } from "./DoorPage";
import { PasswordField } from "./PasswordField";
import { MIN_PASSWORD_LENGTH, passwordMistake } from "./password";
import { changeSession, SESSION_KEY } from "./session";

/** After signing in with a one-time password: nothing else is possible until the reader has chosen their own. */
export function ChoosePassword({ name }: { name: string }) {
  const queryClient = useQueryClient();
  const [oldPassword, setOldPassword] = useState("");
  const [newPassword, setNewPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const [isSubmitted, setIsSubmitted] = useState(false);
  const changing = useMutation({
    ...changePasswordMutation(),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: SESSION_KEY }),
  });
  const leaving = useMutation({ ...signOutMutation(), onSuccess: () => changeSession(queryClient, null) });
  const mistake = passwordMistake(oldPassword, newPassword);
  const repetitionMistake = newPassword === repeated ? "" : "The two do not match.";

  return (
    <DoorPage
      title="Choose your own password"
      description={`You signed in as ${name} with a password that works once.`}
      problem={changing.error}
      problemTitle="The password was not changed"
    >
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          setIsSubmitted(true);
          if (!mistake && !repetitionMistake) {
            changing.mutate({ body: { old_password: oldPassword, new_password: newPassword } });
          }
        }}
      >
        <PasswordField
          id="old-password"
          label="One-time password"
          autoComplete="current-password"
          value={oldPassword}
          onChange={setOldPassword}
        />
        <PasswordField
          id="new-password"
          label="New password"
          autoComplete="new-password"
          value={newPassword}
          onChange={setNewPassword}
          help={`At least ${MIN_PASSWORD_LENGTH} characters.`}
          mistake={isSubmitted ? mistake : ""}
        />
        <PasswordField
          id="repeated-password"
          label="New password again"
          autoComplete="new-password"
          value={repeated}
          onChange={setRepeated}
          mistake={isSubmitted ? repetitionMistake : ""}
        />
        <ActionGroup>
          <Button type="submit" isLoading={changing.isPending} isDisabled={changing.isPending}>
            Change password
          </Button>
          <Button variant="link" onClick={() => leaving.mutate({})}>
            Sign out
          </Button>
        </ActionGroup>
      </Form>
    </DoorPage>
  );
}
