import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { type WriteArguments, withTenonAs } from "../../perform.js";
import { toJson } from "../../tenon.js";

export default (args: Omit<WriteArguments, "sign">, hre: HardhatRuntimeEnvironment): Promise<void> =>
  withTenonAs(hre, args, async ({ admin }, account) => {
    const announced = await admin.announced(account);
    const due = announced.filter(({ ready }) => ready);
    const done: object[] = [];
    for (const act of due) {
      const { transaction } = await admin.carryOut(act).wait();
      done.push({ words: act.words, transaction });
      if (!args.json) console.log(`done: ${act.words}\n  ${transaction}`);
    }
    const waiting = announced
      .filter(({ ready }) => !ready)
      .map(({ words, readyAt }) => ({ words, dueAt: new Date(readyAt * 1_000).toISOString() }));
    if (args.json) console.log(toJson({ done, waiting }));
    else for (const { words, dueAt } of waiting) console.log(`waits until ${dueAt}: ${words}`);
    if (!args.json && announced.length === 0) console.log(`${account} has announced nothing.`);
  });
