import "./ui/styles.css";
import { start } from "./app/index.tsx";
import { registerServiceWorker } from "./app/install.ts";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with the id root");
void start(root);
registerServiceWorker();
