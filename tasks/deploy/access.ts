import type { ContractName } from "../../sdk/src/deployment.js";

/** Roles of the AccessManager, by number. Everything that is not in the table below needs ADMIN. */
export const accessRoles = { ADMIN: 0n, REGISTRAR: 1n, GUARDIAN: 2n } as const;
export type AccessRole = keyof typeof accessRoles;

/** A role of the AccessManager, or in words whom the contract itself lets through. */
export type Caller = AccessRole | `by itself: ${string}`;

const act = "by itself: anyone, with the signature of who may do the act inside";
const admin = "by itself: whoever holds ADMIN, or the admin of the role named, after the delay";

/**
 * Who may call what: every function of every contract that changes state. The seal opens the managed ones by this
 * table, and a test holds it against the ABIs, so that no function is added without saying who may call it.
 */
export const access: Record<ContractName, Record<string, Caller>> = {
  AccessManager: {
    labelRole: admin,
    grantRole: admin,
    revokeRole: admin,
    setRoleAdmin: admin,
    setRoleGuardian: admin,
    setGrantDelay: admin,
    setTargetAdminDelay: admin,
    setTargetClosed: admin,
    setTargetFunctionRole: admin,
    updateAuthority: admin,
    renounceRole: "by itself: the member, its own role",
    schedule: "by itself: who may call the function with a delay",
    execute: "by itself: who may call the function, after its delay",
    cancel: "by itself: who scheduled it, ADMIN, or the guardian of the function's role",
    consumeScheduledOp: "by itself: the contract that the operation calls",
    multicall: "by itself: anyone; each call inside is checked on its own",
  },
  Consortium: {
    admit: "REGISTRAR",
    reinstate: "REGISTRAR",
    exit: "REGISTRAR",
    setControlGroup: "REGISTRAR",
    addSignatory: "REGISTRAR",
    replaceSignatory: "REGISTRAR",
    grantRole: "REGISTRAR",
    suspend: "GUARDIAN",
    removeSignatory: "GUARDIAN",
    revokeRole: "GUARDIAN",
    setRoleListener: "ADMIN",
    setOrgListener: "ADMIN",
    forfeit: "by itself: a signatory, its own role",
    resign: "by itself: a signatory, its own service",
    countersign: "by itself: a signatory, in a role it holds",
    act,
    setAuthority: "by itself: the AccessManager, when ADMIN calls updateAuthority after the delay",
  },
  DeviceRegistry: {
    register: "by itself: a signatory with the Manufacturer role, with the device's proof",
    suspend: "by itself: a signatory of the owner, or of the device authority",
    resume: "by itself: a signatory of the owner, or of the device authority",
    revoke: "by itself: a signatory of the owner, or of the device authority",
    onRoleChanged: "by itself: the consortium",
  },
  AnchorLog: {
    openStream: "REGISTRAR",
    setKey: "REGISTRAR",
    anchor: "by itself: the stream's key while its Anchor role lasts",
    refresh: "by itself: anyone; it copies what the consortium says",
    onRoleChanged: "by itself: the consortium",
    setAuthority: "by itself: the AccessManager, when ADMIN calls updateAuthority after the delay",
  },
  FrameReader: {},
};
