import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { resolve } from "node:path";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Where the local world writes what it has deployed. */
const deploymentFile = resolve(process.env.IOE_DEPLOYMENT ?? resolve(import.meta.dirname, "../.world/deployment.json"));

async function serveDeployment(_request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader("cache-control", "no-store");
  try {
    const text = await readFile(deploymentFile, "utf8");
    response.setHeader("content-type", "application/json");
    response.end(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    // Without this the server would answer with index.html, as for every unknown path.
    response.statusCode = 404;
    response.end("no deployment file");
  }
}

/** Serves the deployment file as it is now, and reloads the page when another world has taken its place. */
function deployment(): Plugin {
  return {
    name: "ioe-deployment",
    configureServer(server) {
      server.middlewares.use("/deployment.json", (request, response, next) => {
        serveDeployment(request, response).catch(next);
      });
      let timer: NodeJS.Timeout | undefined;
      server.watcher.add(deploymentFile);
      server.watcher.on("all", (_event, path) => {
        if (resolve(path) !== deploymentFile) return;
        clearTimeout(timer);
        timer = setTimeout(() => server.ws.send({ type: "full-reload", path: "*" }), 200); // one reload per rewrite
      });
    },
    configurePreviewServer(server) {
      server.middlewares.use("/deployment.json", (request, response, next) => {
        serveDeployment(request, response).catch(next);
      });
    },
  };
}

const address = { host: "127.0.0.1", port: Number(process.env.IOE_DAPP_PORT ?? 5173), strictPort: true };

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss(), deployment()],
  server: address,
  preview: address,
  build: { outDir: "dist", target: "es2022", reportCompressedSize: true },
});
