import { spawnSync } from "node:child_process";
for (const f of ["govern", "backup"]) spawnSync("npx", ["hardhat", "test", "mocha", "--no-compile", "test/network/results.ts", `test/network/besu/${f}.besu.ts`], { stdio: "inherit" });
