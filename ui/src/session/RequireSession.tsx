import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Navigate, Outlet, useLocation } from "react-router";
import { followChanges } from "../api/changes";
import { Failure } from "../states/Failure";
import { WholePage } from "../states/WholePage";
import { ChoosePassword } from "./ChoosePassword";
import { signInPath } from "./nextPath";
import { SessionContext, sessionOptions } from "./session";

/** Shows its routes to who is signed in with a password of their own, and asks everybody else for that first. */
export function RequireSession() {
  const location = useLocation();
  const { data: session, error, refetch } = useQuery(sessionOptions);
  const isSettled = session ? !session.must_change_password : false;
  useChanges(isSettled);

  if (session === undefined) {
    return (
      <WholePage>{error && <Failure subject="your session" error={error} retry={() => void refetch()} />}</WholePage>
    );
  }
  if (session === null) {
    return <Navigate to={signInPath(location)} replace />;
  }
  if (!isSettled) {
    return <ChoosePassword name={session.name} />;
  }
  return (
    <SessionContext value={session}>
      <Outlet />
    </SessionContext>
  );
}

function useChanges(isEnabled: boolean) {
  const queryClient = useQueryClient();
  useEffect(() => (isEnabled ? followChanges(queryClient) : undefined), [isEnabled, queryClient]);
}
