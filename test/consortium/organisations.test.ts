import { expect } from "chai";
import { id, solidityPackedKeccak256, ZeroHash } from "ethers";
import { network } from "hardhat";
import { admit, deployConsortium, holderOf, OrgStatus } from "../support/consortium.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await network.create();

describe("Consortium: organisations", () => {
  const fixture = async () => deployConsortium(ethers);
  let world: Awaited<ReturnType<typeof fixture>>;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  describe("admission", () => {
    it("numbers organisations from 1 and names the address that holds for them", async () => {
      const { consortium, registrar } = world;
      const register = consortium.connect(registrar);
      for (const org of [1n, 2n]) {
        const codeHash = id(`code ${org}`);
        await expect(register.admit(codeHash, ZeroHash))
          .to.emit(consortium, "OrganisationAdmitted")
          .withArgs(org, holderOf(org), codeHash, ZeroHash)
          .and.to.emit(consortium, "OrganisationStatusChanged")
          .withArgs(org, OrgStatus.None, OrgStatus.Active);
        expect(await consortium.statusOf(org)).to.equal(OrgStatus.Active);
        expect(await consortium.orgOfCode(codeHash)).to.equal(org);
        await consortium.requireActive(org);
      }
    });

    it("refuses a code that is taken, also by an organisation that has left", async () => {
      const { consortium, registrar } = world;
      const org = await admit(world, "one");
      const again = () =>
        expectRefused(
          (sent) => consortium.connect(registrar).admit(id("one"), ZeroHash, sent),
          consortium,
          "OrganisationCodeTaken",
          [id("one"), org],
          async () => [await consortium.orgOfCode(id("one")), await consortium.statusOf(org + 1n)],
        );
      await again();
      await consortium.connect(registrar).exit(org);
      await again();
    });

    it("refuses no code", async () => {
      const { consortium, registrar } = world;
      await expectRefused(
        (sent) => consortium.connect(registrar).admit(ZeroHash, ZeroHash, sent),
        consortium,
        "OrganisationCodeMissing",
        [],
        () => consortium.statusOf(1n),
      );
    });

    it("derives the holder from the number alone", () => {
      expect(holderOf(1n)).to.not.equal(holderOf(2n));
      const hash = solidityPackedKeccak256(["string", "uint32"], ["tenon:organisation:", 1n]);
      expect(holderOf(1n).toLowerCase()).to.equal(`0x${hash.slice(26)}`);
    });
  });

  describe("states", () => {
    type Verb = "suspend" | "reinstate" | "exit";
    const to = { suspend: OrgStatus.Suspended, reinstate: OrgStatus.Active, exit: OrgStatus.Exited };
    const verbs = Object.keys(to) as Verb[];
    /** Who may take a step at all; the administrator gives offices and holds none. */
    const office = { suspend: "guardian", reinstate: "registrar", exit: "registrar" } as const;
    const callers = ["admin", "registrar", "guardian", "stranger"] as const;
    const steps: Record<string, Verb[]> = {
      None: [],
      Active: ["suspend", "exit"],
      Suspended: ["reinstate", "exit"],
      Exited: [],
    };
    const path: Record<string, Verb[]> = {
      None: [],
      Active: [],
      Suspended: ["suspend"],
      Exited: ["exit"],
    };

    const organisationIn = async (state: keyof typeof OrgStatus) => {
      const org = state === "None" ? 99n : await admit(world, "one");
      for (const verb of path[state]!) await world.consortium.connect(world[office[verb]])[verb](org);
      expect(await world.consortium.statusOf(org)).to.equal(OrgStatus[state]);
      return org;
    };

    for (const state of Object.keys(OrgStatus) as (keyof typeof OrgStatus)[]) {
      for (const verb of verbs) {
        for (const caller of callers) {
          const right = caller === office[verb];
          const good = right && steps[state]!.includes(verb);
          it(`${state} --${verb} by ${caller}--> ${good ? "moves" : "refused"}`, async () => {
            const { consortium } = world;
            const org = await organisationIn(state);
            const signer = caller === "stranger" ? world.others[9]! : world[caller];
            const by = consortium.connect(signer);
            if (good) {
              await expect(by[verb](org))
                .to.emit(consortium, "OrganisationStatusChanged")
                .withArgs(org, OrgStatus[state], to[verb]);
              expect(await consortium.statusOf(org)).to.equal(to[verb]);
              return;
            }
            const [error, args] = !right
              ? ["AccessManagedUnauthorized", [signer.address]]
              : state === "None"
                ? ["OrganisationUnknown", [org]]
                : ["OrganisationTransitionRefused", [org, OrgStatus[state], to[verb]]];
            await expectRefused(
              (sent) => by[verb](org, sent),
              consortium,
              error as string,
              args as unknown[],
              () => consortium.statusOf(org),
            );
          });
        }
      }
    }

    it("says of every state but Active that it is not active", async () => {
      const { consortium } = world;
      await expect(consortium.requireActive(99n))
        .to.be.revertedWithCustomError(consortium, "OrganisationUnknown")
        .withArgs(99n);
      const org = await organisationIn("Suspended");
      await expect(consortium.requireActive(org))
        .to.be.revertedWithCustomError(consortium, "OrganisationNotActive")
        .withArgs(org, OrgStatus.Suspended);
      await consortium.connect(world.registrar).exit(org);
      await expect(consortium.requireActive(org))
        .to.be.revertedWithCustomError(consortium, "OrganisationNotActive")
        .withArgs(org, OrgStatus.Exited);
    });
  });

  describe("control", () => {
    const group = id("Holding of the Lee family");

    it("is one for an organisation and itself, and for all of a group", async () => {
      const { consortium, registrar } = world;
      const register = consortium.connect(registrar);
      const [a, b, c] = [await admit(world, "a"), await admit(world, "b"), 3n];
      await expect(register.admit(id("c"), group))
        .to.emit(consortium, "OrganisationAdmitted")
        .withArgs(c, holderOf(c), id("c"), group);
      expect(await consortium.controlGroupOf(c)).to.equal(group);
      const same = async () =>
        Promise.all([
          consortium.sameControl(a, b),
          consortium.sameControl(b, c),
          consortium.sameControl(a, a),
        ]);
      expect(await same(), "no group is not a group").to.deep.equal([false, false, true]);
      await expect(register.setControlGroup(b, group))
        .to.emit(consortium, "ControlGroupSet")
        .withArgs(b, ZeroHash, group);
      expect(await same()).to.deep.equal([false, true, true]);
      await register.setControlGroup(b, ZeroHash);
      expect(await same()).to.deep.equal([false, false, true]);
    });

    it("cannot be told of an organisation that is not there", async () => {
      const { consortium, registrar } = world;
      await expectRefused(
        (sent) => consortium.connect(registrar).setControlGroup(9n, group, sent),
        consortium,
        "OrganisationUnknown",
        [9n],
        () => consortium.controlGroupOf(9n),
      );
    });
  });

  describe("the listener", () => {
    it("is named once, before the first admission, and is a contract", async () => {
      const { consortium, admin, registrar } = world;
      const asAdmin = consortium.connect(admin);
      const fixed = await world.manager.getAddress(); // a contract, whatever it does
      const expectNo = (listener: string, error: string, args: unknown[]) =>
        expectRefused(
          (sent) => asAdmin.setOrgListener(listener, sent),
          consortium,
          error,
          args,
          () => consortium.orgListener(),
        );
      await expectNo(registrar.address, "RoleListenerInvalid", [registrar.address]);
      const snapshot = await networkHelpers.takeSnapshot();
      await admit(world, "one");
      await expectNo(fixed, "OrgListenerFixed", [ethers.ZeroAddress]);
      await snapshot.restore();
      await expect(asAdmin.setOrgListener(fixed)).to.emit(consortium, "OrgListenerSet").withArgs(fixed);
      expect(await consortium.orgListener()).to.equal(fixed);
      await expectNo(fixed, "OrgListenerFixed", [fixed]);
    });
  });

  describe("offices", () => {
    const calls: [string, unknown[]][] = [
      ["admit", [id("x"), ZeroHash]],
      ["addSignatory", [1n, holderOf(9n)]],
      ["setControlGroup", [1n, id("x")]],
      ["removeSignatory", [holderOf(9n)]],
      ["replaceSignatory", [holderOf(9n), holderOf(8n)]],
      ["grantRole", [holderOf(9n), 1n, 1n, 0n]],
      ["revokeRole", [holderOf(9n), 1n]],
      ["setRoleListener", [1n, holderOf(9n)]],
      ["setOrgListener", [holderOf(9n)]],
    ];
    const holders: Record<string, string> = {
      removeSignatory: "guardian",
      revokeRole: "guardian",
      setRoleListener: "admin",
      setOrgListener: "admin",
    };

    for (const [name, args] of calls) {
      it(`opens ${name} to the ${holders[name] ?? "registrar"} only`, async () => {
        const { consortium } = world;
        const callers = { admin: world.admin, registrar: world.registrar, guardian: world.guardian };
        for (const [office, signer] of [
          ...Object.entries(callers),
          ["stranger", world.others[9]!] as const,
        ]) {
          const call = consortium
            .connect(signer)
            .getFunction(name)
            .staticCall(...args);
          const refused = await call.then(
            () => "nothing",
            (error: Error) => error.message,
          );
          const unauthorized = refused.includes("AccessManagedUnauthorized");
          expect(unauthorized, `${office} calls ${name}: ${refused}`).to.equal(
            office !== (holders[name] ?? "registrar"),
          );
        }
      });
    }

    it("makes an office with a delay wait, and then lets it act once", async () => {
      const { consortium, manager, admin, registrar } = world;
      await manager.connect(admin).grantRole(1n, registrar.address, 3600n);
      const target = await consortium.getAddress();
      const data = consortium.interface.encodeFunctionData("admit", [id("late"), ZeroHash]);
      await expect(consortium.connect(registrar).admit(id("late"), ZeroHash)).to.be.revertedWithCustomError(
        manager,
        "AccessManagerNotScheduled",
      );
      await manager.connect(registrar).schedule(target, data, 0);
      await expect(consortium.connect(registrar).admit(id("late"), ZeroHash)).to.be.revertedWithCustomError(
        manager,
        "AccessManagerNotReady",
      );
      await networkHelpers.time.increase(3600);
      await consortium.connect(registrar).admit(id("late"), ZeroHash);
      expect(await consortium.orgOfCode(id("late"))).to.equal(1n);
      await expect(consortium.connect(registrar).admit(id("later"), ZeroHash)).to.be.revertedWithCustomError(
        manager,
        "AccessManagerNotScheduled",
      );
    });
  });
});
