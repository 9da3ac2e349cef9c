import type { Provider } from "ethers";
import type { ContractName } from "../../sdk/src/deployment.js";
import { TenonError } from "../../sdk/src/errors.js";
import { type Built, contractsWithPowers } from "./plan.js";
import type { DeploymentRecord } from "./record.js";

/**
 * Events that only an administrator can cause. What members and strangers may do by themselves (forfeit, refresh) is
 * left out, or they could stop a seal.
 */
const powers: Record<(typeof contractsWithPowers)[number], "all" | string[]> = {
  AccessManager: "all",
  Consortium: [
    "AuthorityUpdated",
    "OrganisationAdmitted",
    "ControlGroupSet",
    "SignatoryAdded",
    "RoleGranted",
    "RoleListenerSet",
    "OrgListenerSet",
  ],
  Encumbrances: [
    "AuthorityUpdated",
    "ModuleAdmitted",
    "ModuleDismissed",
    "BinderAdmitted",
    "BinderDismissed",
    "ActionsPaused",
    "EntriesClosed",
  ],
  Eligibility: ["AuthorityUpdated", "EligibilitySet"],
  DeviceRegistry: ["AuthorityUpdated", "ActionsPaused", "EntriesClosed"],
  DeviceAccess: ["AuthorityUpdated", "ActionsPaused", "EntriesClosed"],
  DeviceCertificates: [
    "AuthorityUpdated",
    "AuthorityAdmitted",
    "AuthorityRenewed",
    "AuthorityRevoked",
    "ActionsPaused",
    "EntriesClosed",
  ],
  AnchorLog: ["AuthorityUpdated", "StreamOpened"],
};

/**
 * Until the seal the deployer's key can do anything, and what it gave away outlives its own role. So every use of
 * such a power must be a step of the record. Throws `DeploymentTouched`.
 * @param seal The seal's transaction, once it is mined.
 */
export async function requireUntouched(
  provider: Provider,
  built: Built,
  record: DeploymentRecord,
  seal?: string,
): Promise<void> {
  const steps = [...Object.values(record.contracts), ...Object.values(record.steps)];
  const ours = new Set([...steps.map(({ transaction }) => transaction), seal]);
  for (const name of contractsWithPowers) {
    for (const log of await powerLogs(provider, built, record, name)) {
      if (ours.has(log.transactionHash)) continue;
      throw new TenonError(
        "DeploymentTouched",
        "Powers were used before the seal by no step of this record",
        {
          args: { contract: name, transaction: log.transactionHash, block: log.blockNumber },
          remedy:
            "Find out who else used the deployer's key. Do not use this deployment: deploy anew with a fresh key and another --record folder.",
        },
      );
    }
  }
}

async function powerLogs(provider: Provider, built: Built, record: DeploymentRecord, name: ContractName) {
  const events = powers[name as keyof typeof powers];
  const face = built[name].interface;
  const topics = events === "all" ? [] : [events.map((event) => face.getEvent(event)!.topicHash)];
  const { address, block } = record.contracts[name]!;
  return provider.getLogs({ address, topics, fromBlock: block, toBlock: "latest" });
}
