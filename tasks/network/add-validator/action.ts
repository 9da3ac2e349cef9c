import { isIP } from "node:net";
import { addValidator } from "../../../besu-network/govern/change.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { wholeNumber } from "../../options.js";
import { answering } from "../../run.js";
import { bundleAt } from "../bundle.js";
import { tellChange, tellEnd } from "../change.js";

type Text = string | undefined;

export default async (given: { node: Text; host: Text; port: Text; dir: Text }): Promise<void> =>
  answering(async () => {
    const bundle = bundleAt(given.dir);
    const place = { host: hostOf(given.host), port: wholeNumber("port", given.port) };
    const { node, end } = await addValidator(bundle, given.node, place, tellChange(bundle));
    tellEnd(bundle, `add-validator --node ${node.name}`, node, end);
  });

function hostOf(given: Text): Text {
  if (given === undefined || isIP(given) !== 0) return given;
  throw new TenonError("OptionInvalid", "--host is an IP address", {
    args: { given },
    remedy: "Besu compares addresses as text, so a name will not do.",
  });
}
