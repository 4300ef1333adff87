import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds the service; the built console is served by the service itself. */
const service = process.env.DEADLIGHT_URL ?? "http://127.0.0.1:8480";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/deadlight/server/console",
    emptyOutDir: true,
    chunkSizeWarningLimit: 1200,
  },
  server: {
    proxy: { "/api": service, "/runtime/api": service },
  },
  // Pure functions, which leave nothing behind: loading all they import anew for each file took nine tenths of the time.
  test: { pool: "threads", isolate: false, maxWorkers: 1 },
});
