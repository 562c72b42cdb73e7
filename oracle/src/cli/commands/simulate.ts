import { runSimulate } from "../../simulator/command.ts";
import { command } from "../command.ts";

export default command({
  options: {
    config: { value: "FILE", required: true, help: "the micro-grid's configuration" },
    "with-parent": { help: "end when standard input closes" },
  },
  run: ({ config, "with-parent": withParent }) => runSimulate({ config, withParent }),
});
