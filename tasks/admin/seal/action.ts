import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { offices, type Powers } from "../../../sdk/src/consortium/admin.js";
import type { ContractName } from "../../../sdk/src/deployment.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { access } from "../../deploy/access.js";
import type { DeploymentRecord, SealRecord } from "../../deploy/record.js";
import { answering } from "../../run.js";
import { print, withTenon } from "../../tenon.js";

interface Arguments {
  record: string | undefined;
  json: boolean;
}

/** `deploy` seals as its last step; this says what that set, and whether it still stands. */
export default ({ record, json }: Arguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, record, async ({ admin, deployment }) => {
      const { sealed, deployer } = deployment as unknown as DeploymentRecord;
      if (sealed === null || sealed === undefined) {
        throw new TenonError(
          "NotSealed",
          "The deployment is not sealed: its deployer still has every power",
          {
            args: { deployer },
            remedy: "Run npx hardhat deploy with --admin, --registrar and --guardian: it ends with the seal.",
          },
        );
      }
      const differences = differing(sealed, deployer, await admin.powers());
      const { block, transaction, delaysFrom } = sealed;
      const holders = Object.fromEntries(
        (["admin", "registrar", "guardian"] as const).map((name) => [
          name,
          `${sealed[name].address}, ${sealed[name].delay} s after announcing`,
        ]),
      );
      const state = differences.length === 0 ? "as it was sealed" : differences.join("; ");
      const since = new Date(delaysFrom * 1_000).toISOString();
      print({ state, block, transaction, ...holders, delaysOfTheTableFrom: since }, json);
      if (differences.length > 0) process.exitCode = 1;
    }),
  );

/** What the chain says otherwise than the record of the seal, each in a few words. */
function differing(sealed: SealRecord, deployer: string, powers: Powers): string[] {
  return [...holdersDiffering(sealed, deployer, powers), ...functionsDiffering(powers)];
}

function holdersDiffering(sealed: SealRecord, deployer: string, { offices: now }: Powers): string[] {
  const meant = { ADMIN: sealed.admin, REGISTRAR: sealed.registrar, GUARDIAN: sealed.guardian };
  return now.flatMap(({ name, holders }) => {
    const one = meant[name as keyof typeof meant] as SealRecord["admin"] | undefined;
    const others = holders.filter(({ account }) => account.toLowerCase() !== one?.address.toLowerCase());
    const kept = holders.find((holder) => !others.includes(holder));
    return [
      ...(one !== undefined && kept === undefined ? [`${name} is no longer ${one.address}`] : []),
      ...(kept !== undefined && kept.delay !== one?.delay ? [`${name} acts after ${kept.delay} s`] : []),
      ...others.map(({ account, delay }) => {
        const who = account.toLowerCase() === deployer.toLowerCase() ? "the deployer" : account;
        return `${name} is also ${who}, after ${delay} s`;
      }),
    ];
  });
}

function functionsDiffering({ functions, contracts }: Powers): string[] {
  return contracts.flatMap(({ contract, closed }) => [
    ...(closed ? [`${contract} is closed`] : []),
    ...Object.entries(access[contract as ContractName]).flatMap(([method, who]) => {
      const meant = (Object.values(offices) as string[]).includes(who) ? who : "ADMIN";
      const found = functions.find((one) => one.contract === contract && one.method === method);
      const office = found?.office ?? "ADMIN";
      return office === meant ? [] : [`${contract}.${method} is open to ${office}`];
    }),
  ]);
}
