import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { SESSION_KEY } from "../session/session";
import { client } from "./generated/client.gen";
import type { SessionInfo } from "./generated/types.gen";
import { asProblem, problemFrom } from "./problem";

const RETRIES = 2;

/**
 * The cache of everything the service told, and the place that notices a session that has ended: whichever request is
 * refused first, the session is forgotten and `RequireSession` asks to sign in.
 */
export function createQueryClient(): QueryClient {
  const onError = (error: unknown) => {
    const problem = asProblem(error);
    if (problem.status === 401) {
      queryClient.setQueryData(SESSION_KEY, null);
    } else if (problem.code === "password_change_required") {
      void queryClient.invalidateQueries({ queryKey: SESSION_KEY });
    }
  };
  const queryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (failures, error) => failures < RETRIES && asProblem(error).isTransient,
      },
    },
  });
  return queryClient;
}

/** Makes the generated client send the session's CSRF token with every change and throw problems. */
export function connectClient(queryClient: QueryClient): void {
  client.interceptors.request.use((request) => {
    const session = queryClient.getQueryData<SessionInfo | null>(SESSION_KEY);
    if (session && request.method !== "GET") {
      request.headers.set("X-CSRF-Token", session.csrf_token);
    }
    return request;
  });
  client.interceptors.error.use((body, response) => problemFrom(body, response));
}
