export {
  type Engagement,
  engagementMessage,
  type Recovery as KeyRecovery,
  type Rotation,
  recoveryMessage,
  rotationMessage,
} from "../devices/messages.js";
export { type Registration, registrationMessage } from "../devices/registration.js";
export { DeviceClient, type DeviceClientEvents, type DeviceClientOptions, type SentFrame } from "./client.js";
export { type CsvRow, type ReplayOptions, RUNNING_METER, readCsv, replayCsv } from "./csv.js";
export {
  type AcceptedReceipt,
  Device,
  type DeviceOptions,
  type RecordOptions,
} from "./device.js";
export { type ChainPosition, FrameJournal, type JournalOptions, type Recovery } from "./journal.js";
export {
  type CurveName,
  type DeviceSignature,
  DeviceSigner,
  type FrameSigner,
  loadKey,
  loadOrCreateKey,
  saveKey,
} from "./key.js";
export { type MachineFrame, type PlayOptions, play } from "./replay.js";
export {
  dropNextKey,
  nextKeyPath,
  prepareNextKey,
  type SignedRotation,
  settleKey,
  signRotation,
} from "./rotation.js";
export type { JournalFrame } from "./segment.js";
export { ENERGY_METER, type SimulatorOptions, simulate } from "./simulator.js";
export { deviceUser, frameTopic, LANES, type Lane, receiptTopic } from "./topics.js";
