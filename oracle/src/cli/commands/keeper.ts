import { command } from "../command.ts";
import { runKeeper } from "../keeper.ts";
import { WITH_PARENT, service } from "../service.ts";

export default command({
  options: {
    config: { value: "FILE", required: true, help: "configuration of the keeper" },
    "with-parent": WITH_PARENT,
  },
  run: ({ config, "with-parent": withParent }) => service(withParent, (signal) => runKeeper(config, signal)),
});
