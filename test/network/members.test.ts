import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { composeOf } from "../../besu-network/bundle/compose.js";
import { createBundle } from "../../besu-network/bundle/create.js";
import { type Bundle, layout, ownNodes } from "../../besu-network/bundle/manifest.js";
import { checkNetworkMembers, type Member, readNetworkMembers } from "../../besu-network/bundle/members.js";
import type { TenonError } from "../../sdk/src/errors.js";
import { failure } from "../support/failure.js";
import { temporaryFolder } from "./support/bundle.js";

const valid = () => ({
  organisations: [
    { name: "works", host: "10.0.0.5", validators: 2, rpcNodes: 1 } as Record<string, unknown>,
    { name: "bank", host: "10.0.1.5", validators: 2, rpcNodes: 1 },
    { name: "regulator", host: "10.0.2.5", observers: 1 },
  ],
});

describe("members of a network", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder[Symbol.dispose]());

  const members = (): Member[] => checkNetworkMembers(valid(), "docker");
  const created = (mode: "docker" | "local" = "docker") =>
    createBundle({ out: join(folder.path, "network"), members: members(), mode, portBase: 30_300 });
  const files = ({ dir }: Bundle): string[] =>
    readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((path) =>
      statSync(join(dir, path)).isFile(),
    );

  it("get one bundle each, of one network", async () => {
    const bundles = await created();
    expect(bundles.map(({ dir }) => dir)).to.deep.equal(
      ["works", "bank", "regulator"].map((name) => join(folder.path, "network", name)),
    );
    const { organisation: _first, ...common } = bundles[0]!.manifest;
    for (const { dir, manifest } of bundles) {
      const { organisation, ...rest } = manifest;
      expect(rest).to.deep.equal(common);
      expect(dir.endsWith(organisation)).to.equal(true);
      const genesis = readFileSync(join(dir, layout.genesis), "utf8");
      expect(genesis).to.equal(readFileSync(join(bundles[0]!.dir, layout.genesis), "utf8"));
    }
    expect(common.nodes.map(({ name }) => name)).to.deep.equal([
      ...["validator1", "validator2", "rpc1", "validator3", "validator4", "rpc2", "observer1"],
    ]);
  });

  it("have their own secrets and nobody else's", async () => {
    const bundles = await created();
    const keys = bundles.map((bundle) => {
      const own = ownNodes(bundle);
      expect(own.map(({ organisation }) => organisation)).to.satisfy((names: string[]) =>
        names.every((name) => name === bundle.manifest.organisation),
      );
      expect(files(bundle).filter((path) => path.endsWith("/key"))).to.have.length(own.length);
      const secrets = own.map(({ name }) =>
        readFileSync(join(bundle.dir, layout.nodeKey(name)), "utf8").trim(),
      );
      return [...secrets, readFileSync(join(bundle.dir, layout.jwtKey), "utf8")];
    });
    expect(keys.flat()).to.have.length(7 + 3);
    expect(new Set(keys.flat()).size).to.equal(10);
    bundles.forEach((bundle, index) => {
      const texts = files(bundle).map((path) => readFileSync(join(bundle.dir, path), "utf8"));
      const others = keys.filter((_, other) => other !== index).flat();
      for (const secret of others) for (const text of texts) expect(text).not.to.contain(secret);
    });
  });

  it("know their own nodes by their containers and the others by their machines", async () => {
    const [works, bank] = await created();
    const peers = (bundle: Bundle): string[] =>
      JSON.parse(readFileSync(join(bundle.dir, layout.staticNodes), "utf8"));
    const places = (bundle: Bundle) => peers(bundle).map((enode) => enode.split("@")[1]);
    const subnet = works!.manifest.subnet!.replace("0/24", "");
    expect(places(works!)).to.deep.equal([
      ...[`${subnet}10:30300`, `${subnet}11:30310`, `${subnet}12:30320`],
      ...["10.0.1.5:30300", "10.0.1.5:30310", "10.0.1.5:30320", "10.0.2.5:30300"],
    ]);
    expect(places(bank!)).to.deep.equal([
      ...["10.0.0.5:30300", "10.0.0.5:30310", "10.0.0.5:30320"],
      ...[`${subnet}10:30300`, `${subnet}11:30310`, `${subnet}12:30320`, "10.0.2.5:30300"],
    ]);
  });

  it("publish the ports of their peers, and run their own nodes only", async () => {
    const [works] = await created();
    // biome-ignore lint/suspicious/noExplicitAny: a compose file, looked at as such
    const { services } = composeOf(works!.manifest) as any;
    expect(Object.keys(services)).to.deep.equal([
      ...["validator1", "validator2", "rpc1", "proxy", "prometheus", "grafana"],
    ]);
    expect(services.validator2.ports).to.deep.equal(["30310:30310"]);
    const readme = readFileSync(join(works!.dir, "README.md"), "utf8");
    expect(readme)
      .to.contain("the part of works")
      .and.contain("https://10.0.0.5:30324")
      .and.contain("firewall");
  });

  it("may have no node that answers clients, and are told so", async () => {
    const file = valid();
    file.organisations[0]!.rpcNodes = 0;
    const [works] = await createBundle({
      out: join(folder.path, "network"),
      members: checkNetworkMembers(file, "docker"),
      mode: "docker",
    });
    expect(readFileSync(join(works!.dir, "README.md"), "utf8")).to.contain("No node here answers clients");
    expect(composeOf(works!.manifest).services).not.to.have.property("proxy");
  });

  it("may share a machine when their nodes are processes", async () => {
    const file = valid();
    for (const organisation of file.organisations) organisation.host = "127.0.0.1";
    const bundles = await createBundle({
      out: join(folder.path, "network"),
      members: checkNetworkMembers(file, "local"),
      mode: "local",
    });
    const ports = bundles[0]!.manifest.nodes.map(({ ports }) => ports.p2p);
    expect(ports).to.deep.equal([30300, 30310, 30320, 30330, 30340, 30350, 30360]);
  });

  const wrong: [string, (file: ReturnType<typeof valid>) => unknown, string, RegExp][] = [
    ["no object", () => [], "the file", /an object/],
    ["no organisations", () => ({}), "organisations", /at least one/],
    ["an empty list", () => ({ organisations: [] }), "organisations", /at least one/],
    ["a misspelt list", () => ({ organizations: [] }), "the file.organizations", /only organisations/],
    [
      "a name that is no folder",
      (file) => set(file, { name: "../bank" }),
      "organisations[0].name",
      /lower-case/,
    ],
    ["a name twice", (file) => set(file, { name: "bank" }), "organisations[1].name", /no other/],
    ["a host name", (file) => set(file, { host: "works.example" }), "organisations[0].host", /IPv4/],
    ["an address of all", (file) => set(file, { host: "0.0.0.0" }), "organisations[0].host", /IPv4/],
    ["a machine twice", (file) => set(file, { host: "10.0.1.5" }), "organisations[1].host", /of its own/],
    ["half a node", (file) => set(file, { validators: 0.5 }), "organisations[0].validators", /whole number/],
    [
      "a list of nodes",
      (file) => set(file, { rpcNodes: ["rpc1"] }),
      "organisations[0].rpcNodes",
      /whole number/,
    ],
    [
      "no nodes",
      (file) => set(file, { validators: 0, rpcNodes: 0 }),
      "organisations[0]",
      /at least one node/,
    ],
    [
      "a misspelt count",
      (file) => set(file, { rpcnodes: 1 }),
      "organisations[0].rpcnodes",
      /only name, host/,
    ],
  ];
  function set(file: ReturnType<typeof valid>, values: Record<string, unknown>) {
    Object.assign(file.organisations[0]!, values);
    return file;
  }
  for (const [title, change, field, expected] of wrong) {
    it(`are refused with ${title}`, () => {
      try {
        checkNetworkMembers(change(valid()), "docker");
        expect.fail("it was taken");
      } catch (error) {
        const { code, args } = error as TenonError;
        expect(code).to.equal("NetworkMembersInvalid");
        expect(args.field).to.equal(field);
        expect(args.expected).to.match(expected);
      }
    });
  }

  it("are refused without any validator, and beside counts of nodes", async () => {
    const file = { organisations: [{ name: "regulator", host: "10.0.2.5", observers: 1 }] };
    const out = join(folder.path, "network");
    const none = await failure(
      createBundle({ out, members: checkNetworkMembers(file, "docker"), mode: "docker" }),
    );
    expect(none.code).to.equal("NetworkOptionInvalid");
    const both = await failure(createBundle({ out, members: members(), validators: 4 }));
    expect(both.code).to.equal("NetworkOptionInvalid");
    expect(readdirSync(folder.path)).to.deep.equal([]);
  });

  it("are refused in a file that is none", () => {
    const path = join(folder.path, "members.json");
    writeFileSync(path, "{");
    expect(() => readNetworkMembers(path, "docker")).to.throw("cannot be read as JSON");
    expect(() => readNetworkMembers(join(folder.path, "none.json"), "docker")).to.throw("cannot be read");
  });
});
