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
  Orders: {
    issue: "by itself: a signatory with the Regulator role",
    confirm: "by itself: a signatory with the Enforcer role, another person than the issuer",
    lift: "by itself: a signatory with the Regulator role, of the organisation that issued it",
    consume: "by itself: the contract that a Force order names",
    act,
  },
  Encumbrances: {
    admitModule: "ADMIN",
    dismissModule: "ADMIN",
    admitBinder: "ADMIN",
    dismissBinder: "ADMIN",
    place: "by itself: a keeper of the asset's holder, or an admitted binder",
    release: "by itself: the beneficiary's treasurer, the binder; anyone when it has expired",
    strike: "by itself: anyone, with a confirmed Force order",
    hold: "by itself: anyone, with an active Hold order",
    releaseHold: "by itself: anyone, when the order has ended",
    pause: "GUARDIAN",
    unpause: "REGISTRAR",
    closeEntries: "ADMIN",
    act,
    setAuthority: "by itself: the AccessManager, when ADMIN calls updateAuthority after the delay",
  },
  Eligibility: {
    set: "REGISTRAR",
    freeze: "by itself: anyone, with an active Freeze order",
    unfreeze: "by itself: anyone, when the order has ended",
    onOrganisationChanged: "by itself: the consortium",
    setAuthority: "by itself: the AccessManager, when ADMIN calls updateAuthority after the delay",
  },
  OrganisationKeys: {
    publish:
      "by itself: a signatory with the DeviceManager role, of a Disclosure key with the Regulator role",
    withdraw: "by itself: as for publish",
    act,
  },
  DeviceRecovery: {
    propose: "by itself: a manufacturer of the organisation that brought the device in",
    confirm: "by itself: the device authority, not under one control with the manufacturer",
    cancel: "by itself: a signatory of the owner, the device authority, or a manufacturer of the proposer",
    execute: "by itself: a device manager of the new owner, after the delay",
    forceTransfer: "by itself: a signatory with the Enforcer role, with a confirmed Force order",
    act,
  },
  DeviceRegistry: {
    register: "by itself: a signatory with the Manufacturer role, with the device's proof",
    registerBatch: "by itself: a signatory with the Manufacturer role, with the devices' proofs",
    openList: "by itself: a signatory with the Manufacturer role",
    closeList: "by itself: a manufacturer of the organisation that opened it, or the device authority",
    activate: "by itself: a device manager of the new owner, with the device's proof and a factory list's",
    registerByVoucher: "by itself: a device manager of the new owner, with the device's proof and a voucher",
    suspend: "by itself: a signatory of the owner, or the device authority",
    resume: "by itself: a signatory of the owner, or the device authority",
    revoke: "by itself: a device manager of the owner, or the device authority",
    stopAccess: "by itself: a signatory of the owner",
    allowAccess: "by itself: a device manager of the owner",
    offer: "by itself: a device manager of the owner",
    cancelOffer: "by itself: a device manager of the owner",
    rejectOffer: "by itself: a device manager of the organisation it was made to",
    acceptOffer: "by itself: a device manager of the organisation it was made to",
    transfer: "by itself: anyone, with the signatures of a device manager of either side",
    engage: "by itself: anyone, with the device's signature",
    rotateKey: "by itself: a device manager of the owner, with the signatures of both keys",
    reassign: "by itself: DeviceRecovery",
    onRoleChanged: "by itself: the consortium",
    onEncumbered: "by itself: Encumbrances",
    pause: "GUARDIAN",
    unpause: "REGISTRAR",
    closeEntries: "ADMIN",
    act,
    setAuthority: "by itself: the AccessManager, when ADMIN calls updateAuthority after the delay",
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
