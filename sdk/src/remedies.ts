/**
 * One line for every error of every contract: what whoever got it can do. A test holds the table against the ABIs,
 * so that no error comes without one and none stays after its error is gone.
 */
export const remedies: Record<string, string> = {
  // Solidity itself
  Error: "Read the message: a contract that is not Tenon's refused.",
  Panic: "Report it: an internal check failed, or a number in the request is far out of range.",

  // common: money and time
  DateInvalid: "Give a day that the calendar has, from 1970-01-01 to 2199-12-31.",
  DateOutOfRange: "Give a date before 2200-01-01.",
  DaysReversed: "Give the earlier date first.",
  ExtraCountWrong: "Name as many entries as fen are left: splitByLargestRemainder of the SDK finds them.",
  ExtraNotLargest:
    "Name the entries with the largest remainders: splitByLargestRemainder of the SDK finds them.",
  ExtraOutsideList: "Set bits of entries that the list has: splitByLargestRemainder of the SDK finds them.",
  PartsTooMany: "Divide among at most 256 entries at a time.",
  PotFull: "Pay or claim smaller sums: this one does not fit the word that keeps it.",
  PotWithoutUnits: "Issue units before paying; end the last unit when nothing is carried.",
  ShareZero: "Give every party at least one basis point, or leave it out.",
  SharesMissing: "Name the parties and their shares.",
  SharesNotWhole: "Correct the shares: they add up to 10,000 basis points.",
  UnitsInsufficient: "Move no more units than the holder has.",
  WeightsMissing: "Give at least one weight above zero.",
  // Consortium
  OrganisationUnknown: "Use the number of an admitted organisation.",
  OrganisationNotActive: "Ask the registrar to reinstate the organisation.",
  OrganisationCodeMissing: "Give the hash of the organisation's USCC or LEI.",
  OrganisationCodeTaken: "Use the organisation that already stands for this code.",
  OrganisationTransitionRefused: "Ask for a transition that is in the table of the consortium's README.",
  SignatoryUnknown: "Let the registrar add the account as a signatory of its organisation.",
  SignatoryTaken: "Use a fresh account: an account is a signatory of one organisation in its whole life.",
  SignatoriesFull: "Remove a signatory that is no longer needed.",
  RoleTermInvalid: "Give a term that ends after now and no later than `latest`.",
  RoleMissing: "Ask the registrar to grant the account this role.",
  RoleExpired: "Ask the registrar to renew the role.",
  RoleConflict: "Grant it to another account: one account must not hold both of these roles.",
  RolesFull: "Revoke a role the account no longer needs, or grant this one to another account.",
  RoleLimitExceeded: "Let a colleague with the same role countersign `actHash`, then send the act again.",
  CountersignatureEmpty: "Countersign the act's hash, as the contract that does the act computes it.",
  CountersignatureTermInvalid:
    "Give a consent that ends after now and no later than `latest`; 0 takes it back.",
  RoleListenerFixed:
    "Leave it: a role's listener is set once, before the role is granted for the first time.",
  RoleListenerInvalid: "Name a contract that takes the changes of this role.",
  RoleSourceRefused: "Leave it to the consortium to report changes of roles.",
  OrgListenerFixed: "Leave it: the listener is set once, before the first organisation is admitted.",

  // Acts by signature
  ActNested: "Sign the inner act itself.",
  ActEmpty: "Sign a whole call: a selector and its arguments.",
  ActExpired: "Let the signer sign again with a later deadline.",
  ActSignatureInvalid:
    "Let this signer sign exactly this call, nonce and deadline, for this chain and contract.",
  InvalidAccountNonce:
    "Let the signer sign again with the nonce that is named: this one is used or not yet due.",

  // Orders
  OrderUnknown: "Use the number of an order that was issued.",
  OrderDocumentMissing: "Give the salted hash of the order on paper.",
  OrderModuleInvalid: "Name the contract that is to act on the order.",
  OrderTermInvalid:
    "Give an end that lies ahead, and no later than `latest`; a longer one takes a new order.",
  OrderNotActive: "Get a new order; one that waits for its second person has to be confirmed first.",
  OrderMismatch:
    "Use an order of this scope for this contract and subject: this one is about something else.",
  OrderConfirmationRefused: "Leave it: only a Force order that waits for its second person is confirmed.",
  OrderSecondPersonRequired: "Let another person than the issuer confirm it.",
  OrderLiftRefused: "Let the organisation that issued the order lift it.",

  // Encumbrances
  ModuleInvalid: "Name a contract that keeps encumberable assets and is not admitted yet.",
  ModuleNotAdmitted: "Ask the administrator to admit the module.",
  BinderInvalid: "Name a contract that is not admitted as a binder yet.",
  BinderNotAdmitted: "Ask the administrator to admit the binder.",
  AssetUnknown: "Check the asset's id: the module knows no holder of it.",
  AssetKeeperRefused: "Send it from a keeper of the organisation that holds the asset.",
  BeneficiaryIsHolder: "Name another organisation: nobody has an encumbrance on what it holds itself.",
  RankTaken: "Place it at the rank `next`, if the beneficiary accepts that.",
  RanksFull: "Have an encumbrance of the asset released first.",
  EncumbranceTermInvalid: "Give an end that lies ahead, and no later than `latest`.",
  EncumbranceUnknown: "Check asset and number: it does not stand, or it was released.",
  ReleaseRefused:
    "Let the beneficiary or the contract that placed it release it, or wait until it has expired.",
  HoldTaken: "Leave it: an order holds its asset once.",
  HoldUnknown: "Check asset and order: this order holds nothing there now.",
  HoldStands: "Have the order lifted first, or wait until it has expired.",

  // Actions that can be paused
  ActionPaused: "Wait until the pause has ended; its reason stands in the event ActionsPaused.",
  ActionClosed: "Use the successor: this contract takes nothing new any more.",
  ActionNotPausable: "Name actions that the contract lists as pausable.",
  ActionNotPaused: "Leave it: the action is open.",
  PauseTermInvalid: "Give an end that lies ahead, and no later than `latest`.",
  PauseReasonMissing: "Say in words why the actions are paused.",
  SuccessorInvalid: "Name the contract that takes new entries from now on; it can be named once.",

  // Eligibility
  EligibilityTermInvalid: "Give an end that lies ahead, and no later than `latest`.",
  HolderRefused: "Read the reason: the registrar grants and renews classes, a freeze ends with its order.",
  FreezeTaken: "Leave it: this order freezes its holder already.",
  FreezesFull: "Have an order that freezes the holder lifted first.",
  FreezeUnknown: "Check the order: it freezes nobody now.",
  FreezeStands: "Have the order lifted first, or wait until it has expired.",
  OrganisationSourceRefused: "Leave it to the consortium to report changes of organisations.",

  // OrganisationKeys
  KeyPointInvalid: "Give the coordinates of a point of P-256.",
  KeyMissing: "Publish a key for this use first.",
  DisclosersFull: "Have a regulator that needs no Disclosure key any more leave the consortium.",

  // DeviceRegistry
  DeviceAlreadyRegistered: "Nothing to do: the device is registered; look it up with devices.get.",
  DeviceUnknown: "Register the device first, or check its id.",
  DeviceNotActive: "Resume the device if it is suspended; a revoked one never comes back.",
  DeviceCurveUnsupported: "Use a P-256 (1) or a secp256k1 (8) key.",
  DeviceKeyInvalid: "Give the coordinates of a point on the curve.",
  DeviceProofMissing: "Let the device sign the registration message with its own key.",
  DeviceProofExpired: "Let the device sign again with a later deadline.",
  DeviceProofHighS: "Replace s by the curve's order minus s.",
  DeviceProofInvalid:
    "Let this device sign exactly this owner, parameters, certificate and deadline, for this chain and registry.",
  DeviceTransitionRefused: "Ask for a transition that is in the table of the registry's README.",
  DeviceActorRefused: "Send it from a signatory of the owner or from the device authority.",
  ManufacturerRefused: "Send it from an account whose Manufacturer role is running.",
  ManufacturerQuotaExceeded: "Ask the registrar for a larger quota of devices.",
  MissingPrecompile: "Use a chain with P-256 verification (EIP-7951, Osaka).",
  DeviceEnded: "Leave it: a revoked device never comes back.",
  DeviceEpochUnknown: "Name an epoch from 1 to the device's present one.",
  DeviceTimeAhead: "Ask for a time or a block that has come.",
  DeviceKeyMismatch: "Give the key that is in force, or the one that was proposed.",
  DeviceKeyTaken: "Use a fresh key: a key serves one device, once.",
  RegistrationsMissing: "Send at least one registration.",
  RegistrationOwnerRefused:
    "Send it from a device manager of the organisation that the device names as its owner.",
  FactoryListTaken: "Leave it: this list was opened already, and opens once.",
  FactoryListInvalid: "Give a count above zero and an end that lies ahead.",
  FactoryListUnknown: "Use a list that its maker has opened; check maker and root.",
  FactoryListEnded: "Ask the maker for a new list or a voucher: this one is closed or over.",
  FactoryListBuyerRefused: "Send it from a device manager of the organisation the list was made for.",
  FactoryListProofInvalid: "Give index, path, hashes and key exactly as they stand in the factory's file.",
  VoucherExpired: "Ask the manufacturer for a new voucher.",
  VoucherBuyerRefused: "Send it from a device manager of the organisation the voucher was made for.",
  VoucherSignatureInvalid:
    "Let the manufacturer's signatory sign exactly this device, hashes, buyer and end.",
  DeviceAccessUnchanged: "Nothing to do: access is as you want it already.",
  EncumbranceSourceRefused: "Leave it to the encumbrances to lock and free devices.",
  DeviceImmovable: "Have its encumbrances released and the authority's suspension lifted first.",
  DeviceOwnerUnchanged: "Name another organisation: this one holds the device already.",
  DeviceOfferTermInvalid: "Give an end that lies ahead, and no later than `latest`.",
  DeviceOfferMissing: "Ask the owner to offer the device to your organisation.",
  DeviceOfferExpired: "Ask the owner for a new offer.",
  DeviceTransferExpired: "Let both sides sign again with a later deadline.",
  DeviceTransferSignatureInvalid:
    "Let the signer sign exactly this device, both organisations, its present epoch and deadline.",
  DeviceAlreadyEngaged: "Nothing to do: the device follows its owner of this epoch already.",

  // DeviceRecovery
  RecoveryPending: "Execute or cancel the pending recovery first.",
  RecoveryMissing: "Propose a recovery first; one of an older epoch, or not executed in time, is void.",
  RecoveryEmpty: "Name a new key or another owner.",
  RecoveryMismatch: "Confirm what is proposed, or have it cancelled.",
  RecoveryAlreadyConfirmed: "Wait until `readyAt`, then execute it.",
  RecoveryNotIndependent: "Have it confirmed by an authority that the manufacturer's group does not control.",
  RecoveryNotReady: "Wait until `readyAt`; zero means that the authority has not confirmed.",
  RecoveryRefused: "Send it from the party that this step is for.",

  // DeviceAccess
  GranteeInvalid: "Name a key's address in 32 bytes, or an organisation's role as roleGrantee makes it.",
  GranteeRefused: "Ask with the key that is the grantee, or from an account that holds its role.",
  GranteeBarred: "Ask the owner: it revoked this grantee's access, and only it gives it again.",
  GranteeBlocked: "Let the pass begin before the block ends, or wait until it has ended.",
  GranteeHasPass: "Leave the grantee's pass to whoever gave it, or ask the owner for another.",
  GrantorRefused: "Send it, or have it signed, by a device manager of the device's owner.",
  PassDeadlinePassed: "Let the owner sign the pass again with a later deadline.",
  PassEpochMismatch: "Make the pass anew, for the device's present epoch.",
  PassRevMismatch: "Make the pass anew with the `rev` that is expected: it was changed since.",
  PassTermInvalid: "Give an end that lies ahead, after the beginning, and no later than `latest`.",
  PassDelegationsInvalid: "Allow at most three delegations, and none of a pass with a least interval.",
  PassSignatureInvalid: "Let the signer sign exactly this pass, for this chain and contract.",
  EndpointCommitmentMissing: "Give the commitment that belongs to the sealed endpoint.",
  EndpointCommitmentMismatch: "Name the endpoint of the pass above, or none.",
  EndpointEnvelopeMismatch: "Send the sealed endpoint whose hash the pass names, byte for byte.",
  DelegationRefused: "See the reason: the pass that would be passed on does not count for you now.",
  DelegationTooWide: "Give part of what the pass above gives, no longer and with fewer delegations.",
  RedemptionDeadlinePassed: "Let the device sign again with a later deadline.",
  RedemptionProofInvalid: "Let the device sign exactly this token and deadline, with `s` in the lower half.",
  RedemptionKeyRefused: "Give the device's key that is in force.",

  // AccessAudit
  AuditRefused: "Send it from a signatory of the device's owner.",
  AuditEmpty: "Send at least one entry.",
  AuditTimeAhead: "Set the gateway's clock: the entry is later than the block's time.",
  ChainGap: "Anchor the chain from the entry that is expected.",
  ChainEmpty: "Give a range that ends after it begins, its head and its root.",
  ReadingSubjectMissing: "Say what was read about: a device's id, or what the order names.",
  // DeviceCertificates
  AuthorityUnknown: "Use the number of an authority that was admitted.",
  AuthorityTaken: "Use the authority that already stands for this certificate; renew its term if it is over.",
  AuthorityKindMissing: "Say whether the authority is a factory's or an owner's.",
  AuthorityForeign: "Send it from a certifier of the authority's own organisation.",
  AuthorityIsRevoked: "Use another authority: a revoked one never comes back.",
  AuthorityExpired: "Let the registrar renew the authority's term.",
  BindingsEmpty: "Give at least one certificate.",
  CertificateHashMissing: "Give the SHA-256 of the certificate in DER.",
  CertificateTermInvalid: "Give an end that lies ahead.",
  CertificateTaken: "Nothing to do if it is bound to this device; otherwise let the authority issue another.",
  CertificateUnknown: "Give the SHA-256 of a certificate that was bound.",
  CertificateIsRevoked: "Nothing to do: the certificate is revoked already.",
  CertificateRefused: "Read `reason`: it says why the certificate does not count for this device.",
  DeviceNotHeld: "Let the owner's own authority issue it: this one belongs to another organisation.",
  RevocationReasonInvalid: "Give a CRLReason of RFC 5280 that cannot be undone: 0 to 5, 9 or 10.",

  // DeviceComposition
  PartsEmpty: "Give at least one part.",
  PartOfItself: "Name another device as the part.",
  PartTaken: "Move the part, or detach it first: it is in a machine.",
  PartFree: "Attach the part: it is in no machine.",
  LinkHolds: "Detach the part instead: its link is not over.",
  CompositionCycle: "Detach the machine first: it is itself a part of what should go into it.",
  CompositionTooDeep: "Build at most four levels; detach all parts of a machine that once was deeper.",
  DeviceNotOwned: "Name devices that the sender's own organisation holds.",

  // DeviceFirmware
  FirmwareHashMissing: "Give the hashes of model, image and manifest.",
  FirmwareSequenceTaken: "Give the release a sequence number above `highest`.",
  ReleaseUnknown: "Use the number of a release that was published.",
  ReleaseForeign: "Send it from a manufacturer's signatory of the organisation that published it.",
  ReleaseWithdrawn: "Use a later release: this one was taken back.",
  FirmwareModelMismatch: "Install a release of the model that the device attested first.",
  FirmwareRollback: "Install a release whose sequence number is at least the device's.",

  // DeviceDocuments
  DocumentTooLong: "Publish less: a document has at most `max` bytes.",
  DocumentRevoked:
    "Nothing to do: a revoked device publishes nothing more; its earlier versions stay resolvable.",
  DocumentOwnerRefused: "Send it from a device manager of the organisation that holds the device.",
  DocumentUnknown: "Give a number from 1 to `count`.",
  FailedDeployment: "Give the call more gas: the document's account could not be made.",
  Create2EmptyBytecode: "Report it: an internal check failed.",

  // AnchorLog
  StreamUnknown: "Use a stream that was opened.",
  StreamKeyTaken: "Use another key: a key serves one stream.",
  AnchorKeyRefused: "Anchor with the stream's current key.",
  AnchorRoleExpired: "Renew the Anchor role of the stream's key, then refresh the stream.",
  AnchorOutOfOrder: "Read the stream's head and send the batch it expects.",
  AnchorEmpty: "Send a batch of at least one frame.",
  AnchorWindowInvalid: "Give a time window that does not end before it begins.",
  AnchorInFuture: "Set the oracle's clock: the window ends after the block's time.",
  StreamFull: "Open another stream: this one has used up its numbers.",
  BatchUnknown: "Wait until the batch is anchored, or check its number.",
  BatchMismatch: "Give the batch exactly as it was anchored, and the path that belongs to it.",
  EpochPathRequired: "Give the batch's path under its epoch root (telemetry.epochPath).",

  EpochNotSealed: "Give an empty path: the batch is still in the ring.",
  TreeSizeUnsupported: "Give a number of leaves that is a power of two.",

  // FrameReader
  FrameMalformed: "Give the frame's bytes exactly as the device signed them (docs/frame.md).",
  FrameNotInBatch: "Check frame, index and path against the batch: one of them belongs to another.",
  FrameSignatureInvalid: "Do not use the frame: the device did not sign it for this chain and registry.",
  FrameKeyMismatch: "Give the key that was in force when the frame was anchored.",
  FrameEpochStale: "Leave it: the frame's epoch had ended before its batch began.",
  FrameNotMeter: "Use a frame of one integer record (docs/frame.md, meter frame).",

  // Examples: goods
  GoodsTaken: "Use another id: goods of this one are stored already.",
  GoodsLocked: "Have what binds the goods released first.",
  GoodsKeeperRefused: "Send it from a keeper of the organisation that holds the goods.",
  LockSourceRefused: "Leave it to the register of encumbrances to turn locks.",

  // Examples: PayPerUse and its cash token
  IssuerRefused: "Issue cash from the account that deployed the token.",
  AccountUnknown: "Use the number of an account that was opened.",
  PayerRefused: "Send it from the account's payer.",
  PriceZero: "Give a price of at least one fen for a unit.",
  StartRefused: "Begin with the frame at which the last settlement ended.",
  DeviceMismatch: "Give frames of the account's device.",
  MeterMismatch: "Give frames of the meter and unit that the account names.",
  EpochMismatch: "Give two frames of one epoch; after a new key or a reset, open a new account.",
  FrameNotLater: "Give a frame that the device made after the last settled one.",
  CounterFell: "Settle on a counter that only rises, and on its frames in order.",
  DeviceUnusable: "Use a device that is registered and not revoked.",
  FundsInsufficient: "Deposit what is due into the account first.",
  RefundNotAnnounced: "Announce the refund first.",
  RefundTooEarly: "Wait until the notice has run out.",

  // OpenZeppelin: ERC-20
  ERC20InsufficientAllowance: "Approve at least this amount for the spender.",
  ERC20InsufficientBalance: "Fund the sender: it holds less than it is to move.",
  ERC20InvalidApprover: "Approve from an account that is not zero.",
  ERC20InvalidReceiver: "Name a receiver that is not zero.",
  ERC20InvalidSender: "Name a sender that is not zero.",
  ERC20InvalidSpender: "Name a spender that is not zero.",
  SafeERC20FailedOperation: "Name a token that follows ERC-20 and lets this transfer pass.",

  // OpenZeppelin: AccessManager
  AccessManagedUnauthorized: "Send it from an account that holds the administrative role, without a delay.",
  AccessManagedRequiredDelay: "Schedule the call with the AccessManager and wait for its delay.",
  AccessManagedInvalidAuthority: "Name a contract as the authority.",
  AccessManagerAlreadyScheduled: "Wait for the operation that is scheduled, or cancel it first.",
  AccessManagerBadConfirmation: "Confirm with the caller's own address.",
  AccessManagerExpired: "Schedule the operation again: it was not executed in time.",
  AccessManagerInvalidInitialAdmin: "Name an account as the first administrator.",
  AccessManagerLockedFunction: "Leave the function as it is: the AccessManager keeps it to itself.",
  AccessManagerLockedRole: "Use another role: this one is locked.",
  AccessManagerNotReady: "Wait until the operation's delay has passed.",
  AccessManagerNotScheduled: "Schedule the operation first.",
  AccessManagerUnauthorizedAccount: "Send it from an account that holds this role.",
  AccessManagerUnauthorizedCall: "Send it from an account that may call this function, after its delay.",
  AccessManagerUnauthorizedCancel:
    "Cancel from the account that scheduled it, or as guardian or administrator.",
  AccessManagerUnauthorizedConsume: "Let the contract that is called consume the operation.",

  // OpenZeppelin: utilities
  AddressEmptyCode: "Name an address that holds a contract.",
  FailedCall: "Run the inner call by itself: it failed without a reason.",
  InsufficientBalance: "Fund the contract first: it holds less than the call sends.",
  SafeCastOverflowedUintDowncast: "Give a smaller number: it does not fit the contract's field.",
  InvalidShortString: "Give a name and version of at most 31 bytes.",
  StringTooLong: "Give a name and version of at most 31 bytes.",
};
