import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { getSession } from "../api/generated/sdk.gen";
import type { Role, SessionInfo } from "../api/generated/types.gen";
import { asProblem } from "../api/problem";

export const SESSION_KEY = ["session"] as const;

/** Who is signed in; null when nobody is. */
export const sessionOptions = queryOptions({
  queryKey: SESSION_KEY,
  queryFn: async (): Promise<SessionInfo | null> => {
    try {
      const { data } = await getSession({ throwOnError: true });
      return data;
    } catch (error) {
      if (asProblem(error).status === 401) {
        return null;
      }
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
});

/** Someone signed in or out: what the service told the one before is forgotten. */
export function changeSession(queryClient: QueryClient, session: SessionInfo | null): void {
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
  queryClient.setQueryData(SESSION_KEY, session);
}

const ROLES: readonly Role[] = ["viewer", "operator", "admin"];

/** Whether who has `role` may do what `needed` may. */
export function includesRole(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

export const SessionContext = createContext<SessionInfo | null>(null);

/** Who is signed in, on pages that only `RequireSession` shows. */
export function useSession(): SessionInfo {
  const session = useContext(SessionContext);
  if (session === null) {
    throw new Error("this component belongs inside RequireSession");
  }
  return session;
}

/** Whether who is signed in has at least this role. */
export function useMay(needed: Role): boolean {
  return includesRole(useSession().role, needed);
}
