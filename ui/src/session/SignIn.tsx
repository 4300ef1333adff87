import { ActionGroup, Button, Form, FormGroup, TextInput } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Navigate, useLocation } from "react-router";
import { signInMutation } from "../api/generated/@tanstack/react-query.gen";
import { DoorPage } from "./DoorPage";
import { nextPath } from "./nextPath";
import { PasswordField } from "./PasswordField";
import { changeSession, sessionOptions } from "./session";

export function SignIn() {
  const queryClient = useQueryClient();
  const { search } = useLocation();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const { data: session } = useQuery(sessionOptions);
  const signingIn = useMutation({
    ...signInMutation(),
    onSuccess: (signedIn) => changeSession(queryClient, signedIn),
  });

  if (session) {
    return <Navigate to={nextPath(search)} replace />;
  }
  return (
    <DoorPage title="Sign in" problem={signingIn.error} problemTitle="You are not signed in">
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          signingIn.mutate({ body: { name, password } });
        }}
      >
        <FormGroup label="Name" isRequired fieldId="name">
          <TextInput
            id="name"
            name="username"
            autoComplete="username"
            autoFocus
            isRequired
            value={name}
            onChange={(_, value) => setName(value)}
          />
        </FormGroup>
        <PasswordField
          id="password"
          label="Password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
        />
        <ActionGroup>
          <Button type="submit" isBlock isLoading={signingIn.isPending} isDisabled={signingIn.isPending}>
            Sign in
          </Button>
        </ActionGroup>
      </Form>
    </DoorPage>
  );
}
