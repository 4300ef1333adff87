import "@patternfly/react-core/dist/styles/base.css";
import "./console.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router/dom";
import { connectClient, createQueryClient } from "./api/queryClient";
import { createRouter } from "./routes";
import { sessionOptions } from "./session/session";
import { ThemeProvider } from "./theme/Theme";

const root = document.getElementById("console");
if (root === null) {
  throw new Error("index.html has no element with the id 'console'");
}
const queryClient = createQueryClient();
connectClient(queryClient);
// Nothing is shown before it is known who looks: asked while the page itself is still being fetched.
void queryClient.prefetchQuery(sessionOptions);
createRoot(root).render(
  <StrictMode>
    <ThemeProvider>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={createRouter()} />
      </QueryClientProvider>
    </ThemeProvider>
  </StrictMode>,
);
