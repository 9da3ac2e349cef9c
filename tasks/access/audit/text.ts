import type { AccessEvent } from "../../../sdk/src/access/events.js";
import { granteeText, isoTime } from "../given.js";

/** One event in words. */
export function eventText(event: AccessEvent): string {
  const grantee = granteeText(event.grantee);
  switch (event.what) {
    case "asked":
      return `${event.requester} asked for ${event.permissions.join(", ")}, as ${grantee}`;
    case "granted": {
      const from = event.from === undefined ? "" : `, from the pass of ${granteeText(event.from.grantee)}`;
      const terms = `${event.permissions.join(", ")} until ${isoTime(event.expiry)}`;
      return `${event.by} gave ${grantee} ${terms} (rev ${event.rev}${from})`;
    }
    case "revoked":
      return `${event.by} revoked the pass of ${grantee} (rev ${event.rev})`;
    case "token":
      return `${event.requester} got a token for ${event.permissions.join(", ")}, as ${grantee}`;
    case "redeemed":
      return `${event.requester} used ${event.permissions.join(", ")}, as ${grantee}; redeemed by ${event.by}`;
    case "denied":
      return `${event.requester} was refused, as ${grantee}: ${event.reason}`;
    case "blocked":
      return `${event.requester} was blocked until ${isoTime(event.until)}, as ${grantee}`;
  }
}
