import { composeFile, containerLayout } from "./compose.js";
import type { Manifest, NodeEntry } from "./manifest.js";

/** What a bundle for Docker has beside the rest: path → text. */
export function containerFiles(manifest: Manifest): Record<string, string> {
  const own = manifest.nodes.filter(({ organisation }) => organisation === manifest.organisation);
  return {
    [containerLayout.compose]: composeFile(manifest),
    [containerLayout.start]: START,
    [containerLayout.health]: HEALTH,
    [containerLayout.proxy]: proxyFile(own.filter(({ ports }) => ports.https !== null)),
  };
}

/** Runs Besu as the owner of the node's folder; `exec` throughout, so that a stop reaches Besu itself. */
const START = `#!/bin/sh
# Starts Besu in this folder (nodes/<name>) as the user who owns it.
set -eu
user=$(stat -c %u .)
group=$(stat -c %g .)
if [ "$(stat -c %u /var/lib/besu)" != "$user" ]; then chown -R "$user:$group" /var/lib/besu; fi
export HOME=/tmp
exec setpriv --reuid="$user" --regid="$group" --clear-groups --no-new-privs \\
  /bin/sh -c 'rm -f besu.ipc && exec /opt/besu/bin/besu --config-file=config.toml'
`;

/** The image has no HTTP client and validators have no HTTP, but its Perl can speak to a socket. */
const HEALTH = `#!/usr/bin/perl
# health.pl SECONDS: succeeds when the node in this folder answers and its newest block is not older than that.
use strict;
use warnings;
use IO::Socket::UNIX;
my ($oldest) = @ARGV;
my ($user, $group) = (stat ".")[4, 5];
if ($> == 0) { ($(, $)) = ($group, "$group $group"); ($<, $>) = ($user, $user); }
$SIG{ALRM} = sub { die "no answer\\n" };
alarm 8;
my $socket = IO::Socket::UNIX->new(Peer => "besu.ipc") or die "no socket: $!\\n";
print $socket '{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["latest",false]}';
$socket->flush;
my $answer = <$socket>;
defined $answer && $answer =~ /"timestamp":"(0x[0-9a-f]+)"/ or die "no block in the answer\\n";
my $age = time - hex $1;
print "block age $age s\\n";
exit($age > $oldest ? 1 : 0);
`;

/**
 * TLS before the nodes that answer clients: one port each, JSON-RPC and WebSocket on it alike. Certificates are signed
 * by an authority of the proxy's own until somebody writes another into the file.
 */
function proxyFile(serving: NodeEntry[]): string {
  const [first] = serving;
  const global = `{
	admin off
	auto_https disable_redirects
	# Clients that use an IP address name no host: they get the certificate of this one.
	default_sni ${first?.inside === undefined ? "127.0.0.1" : first.host}
}
`;
  return [global, ...serving.map(site)].join("\n");
}

function site({ name, host, inside, ports }: NodeEntry): string {
  const names = ["localhost", "127.0.0.1", ...(inside === undefined ? [] : [host])];
  return `# ${name}
${names.map((one) => `https://${one}:${ports.https}`).join(", ")} {
	# Other names of this machine go into the line above. With a certificate of your own, in this folder:
	# tls /etc/caddy/files/cert.pem /etc/caddy/files/key.pem
	tls internal
	@websocket {
		header Connection *Upgrade*
		header Upgrade websocket
	}
	reverse_proxy @websocket ${name}:${ports.ws} {
		header_up Host {upstream_hostport}
	}
	reverse_proxy ${name}:${ports.http} {
		header_up Host {upstream_hostport}
	}
}
`;
}
