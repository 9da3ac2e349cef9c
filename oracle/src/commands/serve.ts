import { TenonError } from "@tenon/sdk/errors";
import { deviceIdOf } from "@tenon/sdk/frame/index";
import { pino } from "pino";
import { loadConfig, printable } from "../config.js";
import { Oracle } from "../oracle.js";
import { type Command, overridesOf, type SettingOption, settingOptions, settingsHelp } from "./command.js";

const names: SettingOption[] = [
  "state",
  "deployment",
  "rpc",
  "jwt-key",
  "stream",
  "key",
  "broker",
  "http-host",
  "http-port",
  "log-level",
];

/** Runs the oracle until SIGTERM or SIGINT. */
export const serve: Command = {
  summary: "runs the oracle until it is told to stop",
  help: `Runs the oracle: frames in from the broker, anchors out to the chain, proofs and metrics over HTTP.

  npm run oracle -- serve --config oracle.json

${settingsHelp(...names)}
  --print              shows the settings as they count, without secrets, and ends

SIGTERM or Ctrl-C stops it in order: takes nothing more, stores what it took, closes the batch, stores its intent. It
does not wait for the chain. After kill -9 it goes on where it was; nothing is lost and nothing is anchored twice.`,
  options: { ...settingOptions(...names), print: { type: "boolean" } },
  async run(values, file) {
    const config = loadConfig(file, process.env, overridesOf(values));
    if (values.print === true) {
      console.log(JSON.stringify(printable(config), null, 2));
      return 0;
    }
    // Standard output is for people; the log goes to standard error, one JSON object a line.
    const logger = pino({ level: config.logLevel }, pino.destination(2));
    logger.info({ config: printable(config) }, "starting");
    const stopping = stopSignal();
    const oracle = await Oracle.start(config, logger);
    const { curve, x, y } = oracle.receiptKey;
    console.log(
      `oracle ready at ${oracle.url}, stream ${config.chain.stream}, anchors by ${oracle.anchorKey}`,
    );
    console.log(`receipts by key ${deviceIdOf(oracle.receiptKey)} (curve ${curve}, x ${x}, y ${y})`);
    if (config.broker.url === "embedded") console.log(`embedded broker at ${oracle.brokerUrl}`);
    logger.info({ signal: await stopping }, "stopping");
    try {
      await oracle.stop();
    } catch (error) {
      if (!(error instanceof TenonError && error.code === "StopTimeout")) throw error;
      logger.error(
        {},
        "not stopped in time: what was acknowledged is on disk, the rest is sent again by the devices",
      );
      process.exit(1);
    }
    logger.info({}, "stopped");
    return 0;
  },
};

/** The first signal; a second one ends the process at once, which is as safe as kill -9. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(1));
      });
    }
  });
}
