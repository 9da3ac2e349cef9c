import { expect } from "chai";
import { type FunctionFragment, Interface, type ParamType, ZeroAddress, ZeroHash } from "ethers";
import { artifacts } from "hardhat";
import { type ContractName, contractNames } from "../../sdk/src/deployment.js";
import { access, accessRoles } from "../../tasks/deploy/access.js";
import { newTenon, SEAL_DELAY } from "../support/fixture.js";

/** The functions of a contract that change state. */
async function writesOf(contract: ContractName): Promise<FunctionFragment[]> {
  const { abi } = await artifacts.readArtifact(contract);
  const functions: FunctionFragment[] = [];
  new Interface(abi).forEachFunction((fragment) => {
    if (!fragment.constant) functions.push(fragment);
  });
  return functions;
}

/** A well-formed argument of any type: authority is checked before any argument is looked at. */
function anyValue(type: ParamType): unknown {
  if (type.isArray()) return [];
  if (type.isTuple()) return type.components.map(anyValue);
  if (type.baseType === "address") return ZeroAddress;
  if (type.baseType === "bool") return false;
  if (type.baseType === "string") return "";
  const bytes = /^bytes(\d*)$/.exec(type.baseType);
  return bytes === null ? 0n : `0x${"00".repeat(Number(bytes[1] || 0))}`;
}

describe("who may call what", () => {
  for (const contract of contractNames) {
    it(`is said for every function of ${contract} that changes state`, async () => {
      const functions = (await writesOf(contract)).map((fragment) => fragment.name);
      expect(Object.keys(access[contract]).sort()).to.deep.equal(functions.sort());
    });
  }

  it("is what the AccessManager of a sealed deployment holds", async () => {
    const { manager, record } = await newTenon();
    for (const contract of ["Consortium", "AnchorLog"] as const) {
      for (const { name, selector } of await writesOf(contract)) {
        const caller = access[contract][name]!;
        const role =
          caller in accessRoles ? accessRoles[caller as keyof typeof accessRoles] : accessRoles.ADMIN;
        const set = await manager.getTargetFunctionRole(record.contracts[contract]!.address, selector);
        expect(set, `${contract}.${name}`).to.equal(role);
      }
    }
  });
});

describe("the seal", () => {
  it("leaves the deployer nothing: every restricted function refuses it", async () => {
    const { manager, record, signers, ethers } = await newTenon();
    const { deployer } = signers;
    let tried = 0;
    for (const contract of ["Consortium", "AnchorLog", "AccessManager"] as const) {
      const { address } = record.contracts[contract]!;
      const face = new ethers.Contract(address, (await artifacts.readArtifact(contract)).abi, deployer);
      for (const fragment of await writesOf(contract)) {
        const caller = access[contract][fragment.name]!;
        if (caller.startsWith("by itself:") && !caller.includes("ADMIN, or the admin")) continue;
        const args = fragment.inputs.map(anyValue);
        const error =
          contract === "AccessManager" ? "AccessManagerUnauthorizedAccount" : "AccessManagedUnauthorized";
        await expect(
          face.getFunction(fragment).staticCall(...args),
          `${contract}.${fragment.name}`,
        ).to.be.revertedWithCustomError(face, error);
        // Neither now nor announced for later.
        const data = face.interface.encodeFunctionData(fragment, args);
        await expect(
          manager.connect(deployer).schedule.staticCall(address, data, 0),
          `schedule ${fragment.name}`,
        ).to.be.revertedWithCustomError(manager, "AccessManagerUnauthorizedCall");
        tried++;
      }
    }
    expect(tried).to.be.greaterThan(20);
    for (const role of Object.values(accessRoles)) {
      expect(await manager.hasRole(role, deployer.address)).to.deep.equal([false, 0n]);
    }
  });

  it("gives each role to one account, with the delays that the record says", async () => {
    const { manager, record, networkHelpers } = await newTenon();
    const sealed = record.sealed!;
    for (const { address, role, delay } of [sealed.admin, sealed.registrar, sealed.guardian]) {
      expect(await manager.hasRole(role, address)).to.deep.equal([true, BigInt(delay)]);
      const events = await manager.queryFilter(manager.filters.RoleGranted(role));
      expect(events.at(-1)!.args.account).to.equal(address);
    }
    expect(sealed.guardian.delay).to.equal(0);
    expect(await manager.getRoleGuardian(accessRoles.REGISTRAR)).to.equal(accessRoles.GUARDIAN);

    await networkHelpers.time.increaseTo(sealed.delaysFrom);
    for (const role of Object.values(accessRoles)) {
      expect(await manager.getRoleGrantDelay(role)).to.equal(sealed.grantDelay);
    }
    for (const contract of ["Consortium", "AnchorLog"] as const) {
      const delay = await manager.getTargetAdminDelay(record.contracts[contract]!.address);
      expect(delay).to.equal(sealed.targetAdminDelay);
    }
  });

  it("lets the admin act only after announcing and waiting", async () => {
    const { manager, signers, networkHelpers } = await newTenon();
    const asAdmin = manager.connect(signers.admin);
    const args = [accessRoles.GUARDIAN, signers.stranger.address, 0n] as const;
    const data = manager.interface.encodeFunctionData("grantRole", [...args]);
    const target = await manager.getAddress();

    await expect(asAdmin.grantRole(...args)).to.be.revertedWithCustomError(
      manager,
      "AccessManagerNotScheduled",
    );
    await asAdmin.schedule(target, data, 0);
    await expect(asAdmin.grantRole(...args)).to.be.revertedWithCustomError(manager, "AccessManagerNotReady");
    await networkHelpers.time.increase(SEAL_DELAY);
    await asAdmin.grantRole(...args);
    expect((await manager.hasRole(accessRoles.GUARDIAN, signers.stranger.address)).isMember).to.equal(true);
  });

  it("lets the registrar admit only after waiting, and the guardian cancel it", async () => {
    const { manager, consortium, signers, networkHelpers, ethers } = await newTenon();
    const target = await consortium.getAddress();
    const code = ethers.id("91110000MA01B2C3D4");
    const data = consortium.interface.encodeFunctionData("admit", [code, ZeroHash]);
    const asRegistrar = consortium.connect(signers.registrar);

    await expect(asRegistrar.admit(code, ZeroHash)).to.be.revertedWithCustomError(
      manager,
      "AccessManagerNotScheduled",
    );
    await manager.connect(signers.registrar).schedule(target, data, 0);
    await manager.connect(signers.guardian).cancel(signers.registrar.address, target, data);
    await networkHelpers.time.increase(SEAL_DELAY);
    await expect(asRegistrar.admit(code, ZeroHash)).to.be.revertedWithCustomError(
      manager,
      "AccessManagerNotScheduled",
    );

    await manager.connect(signers.registrar).schedule(target, data, 0);
    await networkHelpers.time.increase(SEAL_DELAY);
    await asRegistrar.admit(code, ZeroHash);
    expect(await consortium.orgOfCode(code)).to.equal(4n);
  });

  it("lets the guardian take away at once, and give nothing", async () => {
    const { consortium, anchorLog, signers, orgs } = await newTenon();
    const asGuardian = consortium.connect(signers.guardian);
    const { oracle, manufacturer } = signers;

    await asGuardian.revokeRole(oracle.address, 3);
    expect((await anchorLog.head(1)).untilHour, "the stream's own copy of the role ended with it").to.equal(
      0n,
    );
    await asGuardian.suspend(orgs.manufacturer);
    expect(await consortium.hasRole(manufacturer.address, 1)).to.equal(false);
    for (const give of [
      asGuardian.reinstate(orgs.manufacturer),
      asGuardian.grantRole(oracle.address, 3, 1, 2),
      asGuardian.addSignatory(orgs.owner, signers.stranger.address),
    ]) {
      await expect(give).to.be.revertedWithCustomError(consortium, "AccessManagedUnauthorized");
    }
  });
});
