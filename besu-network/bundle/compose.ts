import { posix } from "node:path";
import { monitoringLayout } from "../monitor/files.js";
import { CONTAINER_DATA } from "./config.js";
import { layout, type Manifest, type NodeEntry } from "./manifest.js";
import { renderYaml, type Yaml } from "./yaml.js";

/** Files that containers run; written by `containerFiles`. */
export const containerLayout = {
  compose: "docker-compose.yml",
  start: "docker/start.sh",
  health: "docker/health.pl",
  proxy: "docker/Caddyfile",
} as const;

/** Exact versions: a bundle made today starts the same next year. */
export const images = {
  proxy: "caddy:2.11.7-alpine",
  prometheus: "prom/prometheus:v3.5.0",
  grafana: "grafana/grafana:12.1.1",
} as const;

const ROOT = "/network";

/** The text of `composeOf`. */
export function composeFile(manifest: Manifest): string {
  const own =
    "Written from network.json by the network tasks. Changes of yours go into docker-compose.override.yml.";
  return `# ${own}\n${renderYaml(composeOf(manifest))}`;
}

/**
 * The bundle's `docker-compose.yml`: a service for each own node (named as the node), a TLS proxy before the nodes that
 * answer clients, and Prometheus and Grafana.
 *
 * - A container has the bundle's `shared/` (read only) and its own `nodes/<name>` at the same places under `/network`,
 *   as folders: a file that is replaced in one is seen at once. Besu runs in `/network/nodes/<name>`.
 * - Besu runs as the user who owns that folder, whoever that is (`docker/start.sh`), not as the image's UID 1000: the key
 *   stays 0600 and the user's, nothing of the user's is chowned, and `nodes/<name>/besu.ipc` is the user's to connect to,
 *   from the machine itself. (Docker Desktop does not pass sockets through; there, run the tasks inside its Linux.)
 * - Chain data is in a volume for each node, which `docker compose down` keeps. The image's own folder is left alone.
 * - Addresses are static, in the bundle's own subnet. Where the network is more than this bundle, the nodes' peer ports
 *   are published on the machine; client ports without TLS are on its 127.0.0.1 only; validators have none.
 * - A node is healthy while it answers over its socket and has a block that is not old: `docker compose ps` shows a
 *   stalled chain, which Besu's own readiness does not.
 */
export function composeOf(manifest: Manifest): { [key: string]: Yaml } {
  const own = manifest.nodes.filter(({ organisation }) => organisation === manifest.organisation);
  const serving = own.filter(({ ports }) => ports.https !== null);
  const volumes = own.map(({ name }) => `${name}-data`);
  return {
    name: `tenon-${manifest.organisation}-${manifest.chainId}`,
    services: {
      ...Object.fromEntries(own.map((node) => [node.name, nodeService(manifest, node)])),
      ...(serving.length === 0 ? {} : { proxy: proxyService(serving) }),
      ...monitoring,
    },
    networks: { nodes: { ipam: { config: [{ subnet: manifest.subnet ?? "" }] } } },
    volumes: Object.fromEntries(
      [...volumes, ...(serving.length === 0 ? [] : ["proxy-data"]), "prometheus-data", "grafana-data"].map(
        (name): [string, Yaml] => [name, {}],
      ),
    ),
  };
}

const logging: Yaml = { driver: "json-file", options: { "max-size": "50m", "max-file": "5" } };

function nodeService(manifest: Manifest, node: NodeEntry): Yaml {
  const folder = posix.join(ROOT, "nodes", node.name);
  const { p2p, http, ws } = node.ports;
  return {
    image: `hyperledger/besu:${manifest.besu}`,
    // As root only until start.sh knows whose folder it is; these are what that takes.
    user: "0:0",
    cap_drop: ["ALL"],
    cap_add: ["CHOWN", "SETUID", "SETGID"],
    security_opt: ["no-new-privileges:true"],
    entrypoint: ["/bin/sh", posix.join(ROOT, containerLayout.start)],
    working_dir: folder,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose fills it in, from the environment or a file .env
    environment: { BESU_OPTS: "-Xmx${BESU_HEAP:-2g}" },
    volumes: [
      mount(layout.shared, true),
      mount("docker", true),
      mount(posix.join("nodes", node.name), false),
      { type: "volume", source: `${node.name}-data`, target: CONTAINER_DATA },
    ],
    networks: { nodes: { ipv4_address: node.inside ?? node.host } },
    ports: [
      ...(node.inside === undefined ? [] : [`${p2p}:${p2p}`]),
      ...[http, ws].flatMap((port) => (port === null ? [] : [`127.0.0.1:${port}:${port}`])),
    ],
    healthcheck: {
      test: ["CMD", "perl", posix.join(ROOT, containerLayout.health), String(oldBlock(manifest))],
      interval: "15s",
      timeout: "10s",
      retries: 3,
      start_period: "90s",
    },
    // Besu writes its pool and closes its database; killed before that, it repairs at the next start.
    stop_grace_period: "60s",
    restart: "unless-stopped",
    logging,
  };
}

/** Seconds from which a newest block is old: more than one dead proposer after the other explains. */
function oldBlock({ blockPeriodSeconds, requestTimeoutSeconds, emptyBlockPeriodSeconds }: Manifest): number {
  return (emptyBlockPeriodSeconds ?? 0) + Math.max(60, 10 * (blockPeriodSeconds + requestTimeoutSeconds));
}

function mount(folder: string, readOnly: boolean): Yaml {
  return {
    type: "bind",
    source: `./${folder}`,
    target: posix.join(ROOT, folder),
    read_only: readOnly,
    bind: { create_host_path: false },
  };
}

function proxyService(serving: NodeEntry[]): Yaml {
  return {
    image: images.proxy,
    cap_drop: ["ALL"],
    cap_add: ["NET_BIND_SERVICE"], // written into the image's program, which does not start without
    security_opt: ["no-new-privileges:true"],
    command: ["caddy", "run", "--config", "/etc/caddy/files/Caddyfile"],
    volumes: [
      { type: "bind", source: "./docker", target: "/etc/caddy/files", read_only: true },
      // The certificates, and the authority that clients trust.
      { type: "volume", source: "proxy-data", target: "/data" },
    ],
    networks: ["nodes"],
    ports: serving.map(({ ports }) => `${ports.https}:${ports.https}`),
    restart: "unless-stopped",
    logging,
  };
}

/** On the machine's own network: the exporter (`npx hardhat network monitor`) is on its 127.0.0.1. */
const monitoring: { [key: string]: Yaml } = {
  prometheus: {
    image: images.prometheus,
    network_mode: "host",
    command: [
      "--config.file=/etc/prometheus/prometheus.yml",
      "--storage.tsdb.path=/prometheus",
      "--storage.tsdb.retention.time=30d",
      "--web.listen-address=127.0.0.1:9090",
    ],
    volumes: [
      {
        type: "bind",
        source: `./${posix.dirname(monitoringLayout.prometheus)}`,
        target: "/etc/prometheus",
        read_only: true,
      },
      { type: "volume", source: "prometheus-data", target: "/prometheus" },
    ],
    restart: "unless-stopped",
    logging,
  },
  grafana: {
    image: images.grafana,
    network_mode: "host",
    environment: {
      GF_SERVER_HTTP_ADDR: "127.0.0.1",
      GF_AUTH_ANONYMOUS_ENABLED: "true",
      GF_AUTH_ANONYMOUS_ORG_ROLE: "Viewer",
      GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: "true",
      GF_ANALYTICS_REPORTING_ENABLED: "false",
      GF_ANALYTICS_CHECK_FOR_UPDATES: "false",
    },
    volumes: [
      {
        type: "bind",
        source: `./${monitoringLayout.provisioning}`,
        target: "/etc/grafana/provisioning",
        read_only: true,
      },
      {
        type: "bind",
        source: `./${monitoringLayout.dashboards}`,
        target: "/var/lib/grafana/dashboards",
        read_only: true,
      },
      { type: "volume", source: "grafana-data", target: "/var/lib/grafana" },
    ],
    depends_on: ["prometheus"],
    restart: "unless-stopped",
    logging,
  },
};
