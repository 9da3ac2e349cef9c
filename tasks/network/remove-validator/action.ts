import { removeValidator } from "../../../besu-network/govern/change.js";
import { answering } from "../../run.js";
import { bundleAt } from "../bundle.js";
import { tellChange, tellEnd } from "../change.js";

export default async (given: { node: string; dir: string | undefined }): Promise<void> =>
  answering(async () => {
    const bundle = bundleAt(given.dir);
    const { node, end } = await removeValidator(bundle, given.node, tellChange(bundle));
    tellEnd(bundle, `remove-validator ${node.name}`, node, end);
  });
