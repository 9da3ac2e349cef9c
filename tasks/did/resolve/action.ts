import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { answering } from "../../run.js";
import { withTenon } from "../../tenon.js";

interface ResolveArguments {
  did: string;
  versionId: string | undefined;
  versionTime: string | undefined;
  accept: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: ResolveArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ did }) => {
      const { versionId, versionTime, accept } = args;
      const options = defined({ versionId, versionTime, accept });
      // A document has no place for its metadata, so a plain DID shows both; a part of it is shown as it is.
      const whole = !args.did.includes("#") && accept !== "text/uri-list";
      const result = whole ? await did.resolve(args.did, options) : await did.dereference(args.did, options);
      const metadata =
        "didResolutionMetadata" in result ? result.didResolutionMetadata : result.dereferencingMetadata;
      const part = "contentStream" in result && !("error" in metadata);
      console.log(part ? result.contentStream : JSON.stringify(result, null, args.json ? 0 : 2));
      if ("error" in metadata) process.exitCode = 1;
    }),
  );

function defined(options: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
