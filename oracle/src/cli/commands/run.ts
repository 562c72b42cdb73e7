import { CONFIG, command } from "../command.ts";
import { runOracle } from "../oracle.ts";
import { WITH_PARENT, service } from "../service.ts";

export default command({
  options: { config: CONFIG, "with-parent": WITH_PARENT },
  run: ({ config, "with-parent": withParent }) => service(withParent, (signal) => runOracle(config, signal)),
});
