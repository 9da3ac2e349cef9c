import { type Credential, EmbeddedBroker } from "../../../oracle/src/broker.js";
import type { Hex } from "../../../sdk/src/bytes.js";
import { Mosquitto, mosquittoMissing } from "../../support/mosquitto.js";

/** A running broker, as devices and oracle see it. */
export interface Broker {
  deviceUrl: string;
  oracleUrl: string;
  /** PEM of the authority behind the broker's certificate, and its file, where there is TLS. */
  tls?: { ca: string; caFile: string };
  stop(): Promise<void>;
}

/** A broker that the scenario is told on. */
export interface BrokerKind {
  name: string;
  /** Why it cannot run here; undefined when it can. */
  missing(): string | undefined;
  /** Starts it with a login for the oracle and one for each device. */
  start(oracle: Credential, devices: { device: Hex; password: string }[]): Promise<Broker>;
}

export const brokers: BrokerKind[] = [
  {
    name: "the embedded broker",
    missing: () => undefined,
    start: async (oracle, devices) => {
      const broker = await EmbeddedBroker.start({ oracle });
      for (const { device, password } of devices) broker.addDevice(device, password);
      return { deviceUrl: broker.url, oracleUrl: broker.url, stop: () => broker.stop() };
    },
  },
  {
    name: "Mosquitto with TLS",
    missing: mosquittoMissing,
    start: async (oracle, devices) => {
      const mosquitto = await Mosquitto.start({ oracle, devices });
      const { deviceUrl, oracleUrl, ca, caFile } = mosquitto;
      return { deviceUrl, oracleUrl, tls: { ca, caFile }, stop: () => mosquitto.stop() };
    },
  },
];
