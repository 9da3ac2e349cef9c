import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { answering } from "../run.js";
import { type DeploymentResult, deployTenon } from "./deploy.js";
import { readMembers } from "./members.js";
import type { SealRequest } from "./options.js";
import { DEFAULT_RECORDS } from "./record.js";

interface DeployArguments {
  record: string | undefined;
  members: string | undefined;
  admin: string | undefined;
  registrar: string | undefined;
  guardian: string | undefined;
  delay: string | undefined;
  json: boolean;
}

export default async (args: DeployArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(async () => {
    const members = args.members === undefined ? undefined : readMembers(args.members);
    await hre.tasks.getTask("build").run({ quiet: true, noTests: true });
    const connection = await hre.network.create();
    try {
      const folder = args.record ?? (connection.networkConfig.type === "http" ? DEFAULT_RECORDS : undefined);
      const result = await deployTenon(connection, {
        artifacts: hre.artifacts,
        evmVersion: evmVersionOf(hre),
        seal: sealRequest(args),
        ...(folder === undefined ? {} : { recordFolder: folder }),
        ...(members === undefined ? {} : { members }),
        ...(args.json ? {} : { log: (line: string) => console.log(line) }),
      });
      console.log(args.json ? JSON.stringify(result) : summary(result));
    } finally {
      await connection.close();
    }
  });

/** The fork that the one compiler setting names. */
function evmVersionOf(hre: HardhatRuntimeEnvironment): string {
  const settings = hre.config.solidity.profiles.default?.compilers[0]?.settings as { evmVersion?: unknown };
  return String(settings?.evmVersion);
}

function sealRequest({ admin, registrar, guardian, delay }: DeployArguments): SealRequest {
  return {
    ...(admin === undefined ? {} : { admin }),
    ...(registrar === undefined ? {} : { registrar }),
    ...(guardian === undefined ? {} : { guardian }),
    ...(delay === undefined ? {} : { delay: Number(delay) }),
  };
}

function summary({ record, path, sent }: DeploymentResult): string {
  const { sealed } = record;
  return [
    sent === 0 ? "Nothing had changed: no transaction was sent." : `Sent ${sent} transactions.`,
    `Chain ${record.chainId}, genesis ${record.genesisHash}`,
    ...Object.entries(record.contracts).map(([name, { address }]) => `  ${name.padEnd(15)} ${address}`),
    ...(sealed === null
      ? ["Not sealed."]
      : [
          `Sealed in block ${sealed.block}; the deployer has no power left.`,
          `  admin     ${sealed.admin.address}, acts ${sealed.admin.delay} s after announcing`,
          `  registrar ${sealed.registrar.address}, acts ${sealed.registrar.delay} s after announcing`,
          `  guardian  ${sealed.guardian.address}, acts at once, can only take away`,
        ]),
    path === undefined ? "No record was written: this chain ends with the process." : `Record: ${path}`,
  ].join("\n");
}
