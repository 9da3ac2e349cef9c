import { quorumOf } from "../../sdk/src/proof/qbft.js";
import { LEAST_BESU } from "../run/version.js";
import { containerLayout } from "./compose.js";
import { layout, type Manifest, type NodeEntry } from "./manifest.js";

/** The README of a bundle: what it is, how it runs, what to keep secret, said of this bundle and no other. */
export function bundleReadme(manifest: Manifest): string {
  return `${[
    head(manifest),
    nodes(manifest),
    running(manifest),
    clients(manifest),
    secrets(manifest),
    files(manifest),
  ].join("\n\n")}\n`;
}

function head({
  chainId,
  genesisHash,
  organisation,
  nodes,
  blockPeriodSeconds,
  emptyBlockPeriodSeconds,
}: Manifest): string {
  const validators = nodes.filter(({ role }) => role === "validator").length;
  const others = new Set(nodes.map((node) => node.organisation)).size - 1;
  const rest = `${others} ${others === 1 ? "other has its part" : "others have theirs"}`;
  const whole = others === 0 ? "the whole of it" : `the part of ${organisation}; ${rest}`;
  const empty =
    emptyBlockPeriodSeconds === undefined
      ? ""
      : ` While nothing happens, every ${emptyBlockPeriodSeconds} seconds.`;
  return `# A Besu network: chain ${chainId}

This folder is ${whole}. QBFT, Osaka, free gas, a block every ${seconds(blockPeriodSeconds)}.${empty}
Genesis ${genesisHash}. Blocks are final at once.
${resilience(validators)}`;
}

function resilience(validators: number): string {
  const quorum = quorumOf(validators);
  const after = "until enough are back and `npx hardhat network recover` has restarted them.";
  if (validators === 1) return "One validator makes the blocks: when it stops, the chain does.";
  if (quorum === validators)
    return `All ${validators} validators must be up: with one down the chain stops ${after}`;
  return `${quorum} of the ${validators} validators must be up: with more than ${validators - quorum} down the chain stops ${after}`;
}

function nodes({ nodes, organisation }: Manifest): string {
  const rows = nodes.map((node) => {
    const { name, role, host, ports } = node;
    const own = node.organisation === organisation ? "here" : node.organisation;
    return `| ${name} | ${role} | ${own} | ${host}:${ports.p2p} | \`${node.address}\` |`;
  });
  return ["| node | role | runs | peers reach it at | address |", "|---|---|---|---|---|", ...rows].join(
    "\n",
  );
}

function running(manifest: Manifest): string {
  const own = ownOf(manifest);
  const together =
    own.length === manifest.nodes.length
      ? ""
      : "\nLet the ports above through the firewall, from the other organisations' addresses only. The chain makes its first block " +
        "when\nenough organisations have started their validators. **Start them within a minute of each other**: validators that wait " +
        "for others\nwait twice as long each round, and one that comes late meets none of them. When no block comes within a minute, every " +
        "organisation\nstops its validators (`npx hardhat network down`), and then all start again.\n";
  const commands = `In Tenon's folder, with this one as DIR:

\`\`\`
npx hardhat network up --dir DIR        # down keeps the data, reset --yes deletes it
npx hardhat network status --dir DIR    # block age, peers, pool, disk; exit code for scripts
npx hardhat network logs --dir DIR
npx hardhat network monitor --dir DIR   # health for Prometheus
\`\`\``;
  return `## Run it\n\n${commands}\n${together}\n${manifest.mode === "docker" ? docker(manifest, own) : local(own)}`;
}

function docker({ besu, subnet }: Manifest, own: NodeEntry[]): string {
  return `\`up\` is \`docker compose up -d\` here: image \`hyperledger/besu:${besu}\`, a container each for ${names(own)},${serves(own) ? " the TLS proxy," : ""}
Prometheus (127.0.0.1:9090) and Grafana (127.0.0.1:3000). Besu runs as the user who owns this folder, so nothing needs a
chown. Chain data is in volumes that \`docker compose down\` keeps. \`docker compose ps\` shows a node as unhealthy when it
does not answer or its newest block is old. Containers are in ${subnet}; if your networks overlap, create with \`--subnet\`.
Memory: 2 GB of heap a node; write \`BESU_HEAP=4g\` into \`.env\` for more. On Docker Desktop, run the tasks inside its Linux (WSL),
because sockets do not pass into its machine.`;
}

function local(own: NodeEntry[]): string {
  return `\`up\` runs ${names(own)} on this machine with the \`besu\` on the PATH (or in \`BESU_HOME\`), ${LEAST_BESU.join(".")} or newer. One by hand:
\`cd ${layout.node(own[0]?.name ?? "")} && BESU_OPTS=-Xmx1g besu --config-file=config.toml\`. For Prometheus and Grafana as processes, start them with
the files in \`monitor/\`.`;
}

function clients(manifest: Manifest): string {
  const serving = ownOf(manifest).filter(({ ports }) => ports.http !== null);
  if (serving.length === 0) {
    const others = manifest.nodes.some(({ ports }) => ports.http !== null);
    const ask = others ? "Ask an organisation that has an RPC node." : "Nor does any other of this network.";
    return `## Clients\n\nNo node here answers clients: validators have no RPC port. ${ask}`;
  }
  const urls = serving.map(({ ports }) => `http://127.0.0.1:${ports.http}`).join(",");
  const lines = serving.map(({ name, host, inside, ports }) => {
    const outside =
      ports.https === null
        ? ""
        : `; behind TLS \`https://${inside === undefined ? "127.0.0.1" : host}:${ports.https}\` (wss:// too)`;
    return `- ${name}: \`http://127.0.0.1:${ports.http}\`, \`ws://127.0.0.1:${ports.ws}\` on this machine${outside}`;
  });
  return `## Clients

${lines.join("\n")}

They answer ETH, NET and WEB3, to whoever shows a token signed with \`${layout.jwtKey}\`. SDK, oracle and tasks make their tokens
themselves:

\`\`\`
export TENON_BESU_RPC=${urls} TENON_BESU_JWT_KEY=DIR/${layout.jwtKey}
npx hardhat deploy --network besu     # with TENON_BESU_KEY, the deployer's key
\`\`\`${manifest.mode === "docker" ? tls : ""}`;
}

const tls = `

Clients on other machines use the TLS proxy. It has an authority of its own, which they trust with
\`NODE_EXTRA_CA_CERTS=root.crt\` after \`docker compose cp proxy:/data/caddy/pki/authorities/local/root.crt .\`. For a certificate
of yours, or another name or address of this machine, edit \`${containerLayout.proxy}\`.`;

function secrets(manifest: Manifest): string {
  const keys = ownOf(manifest).map(({ name }) => `\`${layout.nodeKey(name)}\``);
  return `## Secret

${keys.join(", ")} (a validator's key signs blocks) and \`${layout.jwtKey}\` (whoever has it may ask
the RPC nodes). They are in this folder only, readable by its owner only, and in no other organisation's. Keep a copy:
\`npx hardhat network backup\` makes an encrypted one. Everything else may be shown. Git ignores the whole folder.`;
}

function files({ mode, storage, accounts }: Manifest): string {
  const kept = storage === "FOREST" ? "every state of the chain" : "the state of the last 512 blocks";
  const who = accounts === null ? "every account's" : `the ${accounts.length} listed accounts'`;
  return `## Files

- \`network.json\`: nodes and settings; what the tasks change. Peer lists are written from it.
- \`shared/\`: genesis, static nodes and the public key of the tokens. \`nodes/<name>/\`: \`config.toml\`, \`permissions.toml\` (peers, accounts)
  and, while it runs, \`besu.ipc\`: administration (ADMIN, PERM, QBFT, TXPOOL) is on this socket and on no port.
- \`monitor/\`: Prometheus, its alert rules, Grafana's dashboard.${mode === "docker" ? " `docker/`: what runs in the containers." : ""}
- Nodes keep ${kept} (${storage}) and take ${who} transactions. Blobs are refused: one would cut off the node that took it.`;
}

function ownOf({ nodes, organisation }: Manifest): NodeEntry[] {
  return nodes.filter((node) => node.organisation === organisation);
}

function serves(nodes: NodeEntry[]): boolean {
  return nodes.some(({ ports }) => ports.http !== null);
}

function names(nodes: NodeEntry[]): string {
  return nodes.map(({ name }) => name).join(", ");
}

function seconds(count: number): string {
  return count === 1 ? "second" : `${count} seconds`;
}
