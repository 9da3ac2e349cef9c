/**
 * Makes `sdk/dist`: the SDK as a package of JavaScript and declarations, for projects outside this one.
 *
 *   npm run pack:sdk            then, elsewhere: npm install …/sdk/dist/tenon-sdk-0.1.0.tgz
 *
 * Inside this repository everything imports the sources; nothing here is needed for that.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const dist = at("sdk/dist");

rmSync(dist, { recursive: true, force: true });
execFileSync("tsc", ["-p", at("sdk/tsconfig.json")], { stdio: "inherit" });

const { exports: sources, ...manifest } = JSON.parse(readFileSync(at("sdk/package.json"), "utf8"));
const built = Object.entries<string>(sources).map(([entry, source]) => {
  const path = source.replace("./src/", "./").replace(/\.ts$/, "");
  return [entry, { types: `${path}.d.ts`, default: `${path}.js` }];
});
writeFileSync(
  `${dist}/package.json`,
  `${JSON.stringify({ ...manifest, exports: Object.fromEntries(built) }, null, 2)}\n`,
);
copyFileSync(at("sdk/README.md"), `${dist}/README.md`);
copyFileSync(at("LICENSE"), `${dist}/LICENSE`);
if (process.argv.includes("--tarball"))
  execFileSync("npm", ["pack", "--silent"], { cwd: dist, stdio: "inherit" });
