import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";

export const didResolve = task(
  ["did", "resolve"],
  "Resolves a DID or gets what a DID URL points at; prints JSON, and ends with exit code 1 when there is nothing",
)
  .addPositionalArgument({ name: "did", description: "A did:tenon, or a DID URL with ?, & or #, in quotes" })
  .addOption(optional("versionId", "Number of a block: the document as it was at its end"))
  .addOption(optional("versionTime", "UTC, as 2026-11-01T00:00:00Z: the document as it was then"))
  .addOption(
    optional("accept", "application/did, application/did+json, application/did+ld+json, text/uri-list"),
  )
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
