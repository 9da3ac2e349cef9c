import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect } from "chai";
import { readSnapshot, withGasSection } from "../scripts/gas-table.js";

/** `common ← consortium ← identity ← access, telemetry ← evidence, money ← receivables ← leasing, recycling`. */
const order = [
  ["common"],
  ["consortium"],
  ["identity"],
  ["access", "telemetry"],
  ["evidence", "money"],
  ["receivables"],
  ["leasing", "recycling"],
  ["examples"],
];
const rank = (folder: string) => order.findIndex((rooms) => rooms.includes(folder));

function imports(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1]!);
}

/** Our own files that a file loads when it is loaded: types are not, nor what is imported later. */
function loaded(file: string): string[] {
  const statements = readFileSync(file, "utf8").matchAll(
    /^(?:import|export) (?!type)([^;]*?) ?from "([.][^"]+)"/gms,
  );
  return [...statements]
    .filter(([, names]) => !/^[{](\s*type [^,}]+,?)+\s*[}]$/.test(names!))
    .map(([, , target]) => local(file, target!.replace(/js$/, "ts")));
}

const local = (file: string, target: string) => normalize(join(dirname(file), target));

describe("the house", () => {
  it("lets no contract module read a later one, nor a neighbour on its floor", () => {
    const files = globSync("contracts/**/*.sol");
    expect(files.length).to.be.greaterThan(5);
    for (const file of files) {
      const own = file.split("/")[1]!;
      expect(rank(own), `contracts/${own} is not a room of the house`).to.be.at.least(0);
      for (const target of imports(file).filter((path) => path.startsWith("."))) {
        const other = local(file, target).split("/")[1]!;
        const allowed = other === own || rank(other) < rank(own);
        expect(allowed, `${file} imports ${target}`).to.equal(true);
      }
    }
  });

  it("lets sdk import nothing of the others, oracle and besu-network only sdk, and tasks those", () => {
    const allowed: Record<string, string[]> = {
      sdk: ["sdk"],
      oracle: ["oracle"],
      "besu-network": ["besu-network", "sdk"],
      tasks: ["tasks", "besu-network", "sdk"],
    };
    for (const [room, rooms] of Object.entries(allowed)) {
      for (const file of globSync(`${room}/**/*.ts`).filter((path) => !path.includes("node_modules"))) {
        for (const target of imports(file)) {
          if (target.startsWith(".")) {
            expect(rooms, `${file} imports ${target}`).to.include(local(file, target).split("/")[0]);
          } else if (target.startsWith("@tenon/")) {
            expect(
              room === "sdk" || (room === "oracle" && target.startsWith("@tenon/oracle")),
              `${file} imports ${target}`,
            ).to.equal(false);
          }
        }
      }
    }
  });

  // A fresh clone has no generated code yet, and Hardhat reads the tasks before it builds anything.
  it("lets tasks be told to Hardhat before anything is generated", () => {
    const from = new Map<string, string>([["hardhat.config.ts", ""]]);
    for (const file of from.keys()) {
      for (const target of loaded(file)) if (!from.has(target)) from.set(target, file);
    }
    expect(from.size).to.be.greaterThan(50);
    const generated = [...from].filter(([file]) => file.includes("/generated/"));
    expect(generated, "move what needs it to an action").to.deep.equal([]);
  });

  it("keeps source files short enough to read", () => {
    const files = [
      ...globSync("contracts/**/*.sol"),
      ...globSync("{sdk,oracle,besu-network,tasks,scripts}/**/*.ts"),
    ].filter((file) => !/node_modules|generated|[/]dist[/]/.test(file));
    const lengths = files.map((file) => ({ file, lines: readFileSync(file, "utf8").split("\n").length }));
    const long = lengths.filter(({ lines }) => lines > 400).map(({ file, lines }) => `${file}: ${lines}`);
    expect(long).to.deep.equal([]);
  });

  it("prints the gas table from the snapshot", () => {
    const text = readFileSync("docs/performance.md", "utf8");
    const remedy = "run npx tsx scripts/gas-table.ts";
    expect(text, remedy).to.equal(withGasSection(text, readSnapshot()));
  });

  // npm leaves optional dependencies out when their `engines` do not fit the Node that runs npm, which may be an
  // older one than the Node 24 this project brings along. Without the binary nothing runs.
  it("installs the EDR binary whatever Node runs npm", () => {
    const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
    const edr = Object.entries<{ engines?: unknown }>(lock.packages).filter(([path]) =>
      path.startsWith("node_modules/@nomicfoundation/edr-"),
    );
    const remedy = "delete `engines` from the edr-* entries of package-lock.json after making the lock anew";
    expect(edr.length, `seven platform binaries of EDR must be locked: ${remedy}`).to.equal(7);
    for (const [path, entry] of edr) expect(entry.engines, `${path}: ${remedy}`).to.equal(undefined);
  });
});
