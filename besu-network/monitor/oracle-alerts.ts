import type { AlertRule } from "./alerts.js";

/** How long before its end a role is warned of, seconds: as long as in the oracle's `/readyz`. */
const ROLE_WARNING_SECONDS = 14 * 86_400;

/**
 * The rules of an oracle's own metrics (`/metrics` of every oracle, job `tenon-oracle`). A role ends by construction:
 * renewing it takes the registrar's delay, so it is asked for two weeks ahead.
 */
export const oracleRules: readonly AlertRule[] = [
  {
    alert: "TenonRoleEnding",
    severity: "warning",
    forSeconds: 0,
    expr: `tenon_role_expires_seconds > 0 and tenon_role_expires_seconds < ${ROLE_WARNING_SECONDS}`,
    summary: "The role of the key of {{ $labels.instance }} ends in {{ $value | humanizeDuration }}",
    action: "Let the registrar renew it, which has to be announced: npx hardhat role renew.",
  },
  {
    alert: "TenonRoleEnded",
    severity: "critical",
    forSeconds: 60,
    expr: "tenon_role_expires_seconds <= 0",
    summary: "The key of {{ $labels.instance }} has no role: nothing is anchored",
    action: "Let the registrar grant it again: npx hardhat role grant. Frames are kept meanwhile.",
  },
  {
    alert: "TenonOracleNotReady",
    severity: "critical",
    forSeconds: 60,
    expr: 'tenon_ready == 0 or up{job="tenon-oracle"} == 0',
    summary: "{{ $labels.instance }} does not take or anchor frames",
    action: "Ask its /readyz what is wrong: it says the reason and the remedy.",
  },
];
