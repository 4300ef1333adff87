import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { useToast } from "../shell/Toasts";

interface Saved {
  /** What was done, and what follows from it. */
  title: string;
  body: string;
  /** The address of the list it is in, and what the list is asked for by. */
  list: string;
  queryKey: QueryKey;
}

/** What to do when an entry of a list has been saved: say so, and go to the list, which is asked for again. */
export function useSaved({ title, body, list, queryKey }: Saved): () => void {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const say = useToast();
  return () => {
    void queryClient.invalidateQueries({ queryKey });
    say({ variant: "success", title, body });
    void navigate(list);
  };
}
