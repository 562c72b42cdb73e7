import { type Deployment, DeploymentError, parseDeployment } from "@ioe/protocol";

export type LoadedDeployment =
  | { kind: "ready"; deployment: Deployment }
  | { kind: "missing" }
  | { kind: "offline" }
  | { kind: "invalid"; message: string };

/** Where the zone's contracts are. Read once at startup; the page is reloaded when the world changes. */
export async function loadDeployment(url = "/deployment.json"): Promise<LoadedDeployment> {
  let response: Response;
  try {
    response = await fetch(url, { cache: "no-store" });
  } catch {
    return { kind: "offline" };
  }
  // A plain file host answers an unknown path with the page itself.
  if (!response.ok || response.headers.get("content-type")?.includes("text/html")) return { kind: "missing" };
  try {
    return { kind: "ready", deployment: parseDeployment(await response.text()) };
  } catch (error) {
    if (!(error instanceof DeploymentError)) throw error;
    return { kind: "invalid", message: error.message };
  }
}
