import { spawn } from "node:child_process";
import { once } from "node:events";
import { posix } from "node:path";
import { Duplex } from "node:stream";
import { container } from "../bundle/config.js";

/**
 * A container's socket is on no disk of the host, so a process inside carries bytes between it and `docker compose exec`.
 * Perl's base is in the image's Ubuntu. It says it is connected with an empty line, and ends when either side does.
 */
const BRIDGE = `
use IO::Socket::UNIX;
my $s = IO::Socket::UNIX->new($ARGV[0]) or die "its socket does not answer: $!\\n";
syswrite(STDOUT, "\\n");
my $pid = fork;
if ($pid == 0) { while (sysread($s, my $b, 65536)) { syswrite(STDOUT, $b) } kill "TERM", getppid; exit }
while (sysread(STDIN, my $b, 65536)) { syswrite($s, $b) }
kill "TERM", $pid;
`;

/** Connects to the admin socket of a container of the bundle in `dir`. Fails with what docker or the bridge said. */
export async function connectToContainer(dir: string, node: string): Promise<Duplex> {
  const path = posix.join(container.run, "besu.ipc");
  const child = spawn("docker", ["compose", "exec", "--no-TTY", node, "perl", "-e", BRIDGE, path], {
    cwd: dir,
  });
  let said = "";
  child.stderr.on("data", (data: Buffer) => {
    said += data.toString();
  });
  child.stdin.on("error", () => {}); // the end of the other side is seen on what it says
  const ended = once(child, "close").then(() => {
    throw new Error(said.trim().split("\n").at(-1) || "docker compose exec ended");
  });
  await Promise.race([once(child.stdout, "readable"), ended]);
  ended.catch(() => {});
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  stream.on("error", () => {});
  stream.on("close", () => child.stdin.destroy());
  return stream;
}
