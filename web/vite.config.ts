import { defineConfig } from "vite";

// Where `vite` finds the API while the page is being worked on; the built page has its own origin.
const api = process.env["CARETAKER_API"] ?? "http://127.0.0.1:8420";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../api/static",
    emptyOutDir: true,
    target: "es2020",
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    chunkSizeWarningLimit: 200,
  },
  server: { proxy: { "/api": { target: api, changeOrigin: false } } },
});
