import { expect } from "chai";
import { network } from "hardhat";
import { admit, DAY, deployConsortium, grant, NO_LIMIT, OrgStatus, Role } from "../support/consortium.js";
import { deployIdentity } from "../support/devices.js";
import { expectGas } from "../support/gas.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await network.create();
const { time } = networkHelpers;

const { None: _, ...named } = Role;
const ROLES = Object.values(named);

describe("Consortium: roles", () => {
  const fixture = async () => {
    const base = await deployConsortium(ethers);
    const [alice, bob, stranger] = base.others;
    const { registry } = await deployIdentity(ethers, base);
    const org = await admit(base, "one", alice!, bob!);
    const register = base.consortium.connect(base.registrar);
    const guard = base.consortium.connect(base.guardian);
    return { ...base, register, guard, registry, org, alice: alice!, bob: bob!, stranger: stranger! };
  };
  let world: Awaited<ReturnType<typeof fixture>>;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  /** Everything anybody can learn about an account's roles. */
  const stateOf = (account: string) => async () => {
    const { consortium, registry } = world;
    const terms = await Promise.all(ROLES.map((role) => consortium.termOf(account, role)));
    return [terms, await consortium.orgOf(account), await registry.manufacturerOf(account)];
  };

  /** What `requireRole` says now, and that the three other views agree with it. */
  const expectRight = async (account: string, role: bigint, error?: string, args: unknown[] = []) => {
    const { consortium, org } = world;
    expect(await consortium.hasRole(account, role)).to.equal(error === undefined);
    expect(await consortium.actsFor(account, role)).to.equal(error === undefined ? org : 0n);
    if (error === undefined) return expect(await consortium.requireRole(account, role)).to.equal(org);
    return expect(consortium.requireRole(account, role))
      .to.be.revertedWithCustomError(consortium, error)
      .withArgs(...args);
  };

  describe("terms", () => {
    for (const [name, role] of Object.entries(Role).slice(1)) {
      it(`grants ${name} to one account from now to the second before its end`, async () => {
        const { consortium, register, org, alice, bob } = world;
        const until = BigInt(await time.latest()) + 7n * DAY;
        const limit = 100n * role;
        await expect(register.grantRole(alice.address, role, until, limit))
          .to.emit(consortium, "RoleGranted")
          .withArgs(org, alice.address, role, until, limit);
        expect(await consortium.termOf(alice.address, role)).to.deep.equal([until, limit]);
        expect(await consortium.grantsOf(alice.address)).to.deep.equal([[role, [until, limit]]]);
        await expectRight(alice.address, role);
        await expectRight(bob.address, role, "RoleMissing", [bob.address, role]);
        for (const another of ROLES.filter((other) => other !== role)) {
          await expectRight(alice.address, another, "RoleMissing", [alice.address, another]);
        }
        await time.increaseTo(until - 1n);
        await expectRight(alice.address, role);
        await time.increaseTo(until);
        await expectRight(alice.address, role, "RoleExpired", [alice.address, role, until]);
      });
    }

    it("renews and shortens a term, with another limit", async () => {
      const { consortium, register, alice } = world;
      const { until } = await grant(world, alice, Role.Anchor);
      for (const term of [
        [until + 9n * DAY, 5n],
        [until - 9n * DAY, NO_LIMIT],
      ] as const) {
        await register.grantRole(alice.address, Role.Anchor, ...term);
        expect(await consortium.termOf(alice.address, Role.Anchor)).to.deep.equal(term);
        expect(await consortium.grantsOf(alice.address)).to.have.length(1);
      }
    });

    it("refuses a term that is over or longer than 400 days", async () => {
      const { consortium, register, alice } = world;
      const max = await consortium.MAX_TERM();
      expect(max).to.equal(400n * DAY);
      const ends: ((now: bigint) => bigint)[] = [
        () => 0n,
        (now) => now - 1n,
        (now) => now,
        (now) => now + max + 1n,
        (now) => now + 2n ** 32n,
        () => 2n ** 40n - 1n,
      ];
      for (const end of ends) {
        const now = BigInt(await time.latest()) + 100n;
        await time.setNextBlockTimestamp(now);
        const until = end(now);
        await expectRefused(
          (sent) => register.grantRole(alice.address, Role.Anchor, until, 0n, sent),
          consortium,
          "RoleTermInvalid",
          [until, now + max],
          stateOf(alice.address),
        );
      }
    });

    it("takes a term of exactly 400 days", async () => {
      const { consortium, register, alice } = world;
      const now = BigInt(await time.latest()) + 100n;
      await time.setNextBlockTimestamp(now);
      await register.grantRole(alice.address, Role.Anchor, now + 400n * DAY, 0n);
      await expectRight(alice.address, Role.Anchor);
      expect((await consortium.termOf(alice.address, Role.Anchor)).until).to.equal(now + 400n * DAY);
    });

    it("refuses a stranger, the role None and an organisation that is not active", async () => {
      const { consortium, register, guard, org, alice, stranger } = world;
      const until = BigInt(await time.latest()) + DAY;
      const expectNoGrant = (account: string, role: bigint, error: string, args: unknown[]) =>
        expectRefused(
          (sent) => register.grantRole(account, role, until, NO_LIMIT, sent),
          consortium,
          error,
          args,
          stateOf(account),
        );
      await expectNoGrant(stranger.address, Role.Anchor, "SignatoryUnknown", [stranger.address]);
      await expectNoGrant(alice.address, Role.None, "RoleMissing", [alice.address, Role.None]);
      await guard.suspend(org);
      const suspended = [org, OrgStatus.Suspended];
      await expectNoGrant(alice.address, Role.Anchor, "OrganisationNotActive", suspended);
    });

    it("says that a stranger is unknown", async () => {
      const { stranger } = world;
      await expectRight(stranger.address, Role.Anchor, "SignatoryUnknown", [stranger.address]);
    });
  });

  describe("roles side by side", () => {
    const expectNoGrant = (role: bigint, error: string, args: unknown[]) =>
      expectRefused(
        async (sent) => {
          const until = BigInt(await time.latest()) + DAY;
          return world.register.grantRole(world.alice.address, role, until, NO_LIMIT, sent);
        },
        world.consortium,
        error,
        args,
        async () => [
          await stateOf(world.alice.address)(),
          await world.consortium.grantsOf(world.alice.address),
        ],
      );
    const pairs: [bigint, bigint][] = [
      [Role.Regulator, Role.Enforcer],
      [Role.Manufacturer, Role.DeviceAuthority],
      [Role.DeviceManager, Role.DeviceAuthority],
      [Role.Manufacturer, Role.Certifier],
    ];

    for (const [a, b] of [...pairs, ...pairs.map(([a, b]) => [b, a] as const)]) {
      it(`refuses role ${b} to an account that holds ${a}, until that has ended`, async () => {
        const { consortium, alice, bob } = world;
        expect(await consortium.conflicting(a, b)).to.equal(true);
        const { until } = await grant(world, alice, a);
        await expectNoGrant(b, "RoleConflict", [alice.address, b, a]);
        await grant(world, bob, b);
        await time.increaseTo(until);
        await grant(world, alice, b);
        await expectRight(alice.address, b);
        await expectNoGrant(a, "RoleConflict", [alice.address, a, b]);
      });
    }

    it("lets every other two be held at once", async () => {
      const { consortium, alice } = world;
      for (const a of ROLES) {
        for (const b of ROLES.filter((other) => other > a)) {
          const excluded = pairs.some((pair) => pair.includes(a) && pair.includes(b));
          expect(await consortium.conflicting(a, b), `${a} and ${b}`).to.equal(excluded);
          if (excluded) continue;
          const snapshot = await networkHelpers.takeSnapshot();
          await grant(world, alice, a);
          await grant(world, alice, b);
          await expectRight(alice.address, a);
          await expectRight(alice.address, b);
          await snapshot.restore();
        }
      }
    });

    it("puts a sixth role into the slot of one that has expired, and tells the listener", async () => {
      const { consortium, registry, org, alice } = world;
      const roles = [Role.Anchor, Role.Treasurer, Role.DeviceManager, Role.Regulator];
      expect(await consortium.MAX_ROLES()).to.equal(5n);
      const { until } = await grant(world, alice, Role.Manufacturer, 1n, 7n);
      for (const role of roles) await grant(world, alice, role);
      await time.increaseTo(until);
      expect(await registry.manufacturerOf(alice.address)).to.deep.equal([org, until, 7n, 0n]);
      await grant(world, alice, Role.Certifier);
      for (const role of [...roles, Role.Certifier]) await expectRight(alice.address, role);
      await expectRight(alice.address, Role.Manufacturer, "RoleMissing", [alice.address, Role.Manufacturer]);
      expect(await registry.manufacturerOf(alice.address)).to.deep.equal([org, 0n, 0n, 0n]);
      expect(await consortium.grantsOf(alice.address)).to.have.length(5);
    });
  });

  describe("forfeit and revoke", () => {
    it("ends a role at once when its holder forfeits it, and only that role of that account", async () => {
      const { consortium, org, alice, bob } = world;
      await grant(world, alice, Role.Manufacturer);
      await grant(world, alice, Role.Treasurer);
      await grant(world, bob, Role.Manufacturer);
      await expect(consortium.connect(alice).forfeit(Role.Manufacturer))
        .to.emit(consortium, "RoleForfeited")
        .withArgs(org, alice.address, Role.Manufacturer);
      await expectRight(alice.address, Role.Manufacturer, "RoleMissing", [alice.address, Role.Manufacturer]);
      await expectRight(alice.address, Role.Treasurer);
      await expectRight(bob.address, Role.Manufacturer);
    });

    it("gives a forfeited role back only by the registrar's grant", async () => {
      const { consortium, alice } = world;
      const { until } = await grant(world, alice, Role.Anchor);
      await consortium.connect(alice).forfeit(Role.Anchor);
      await expectRefused(
        (sent) => consortium.connect(alice).grantRole(alice.address, Role.Anchor, until, NO_LIMIT, sent),
        consortium,
        "AccessManagedUnauthorized",
        [alice.address],
        stateOf(alice.address),
      );
      await grant(world, alice, Role.Anchor);
      await expectRight(alice.address, Role.Anchor);
    });

    it("lets the guardian take a role away", async () => {
      const { consortium, guard, guardian, org, alice } = world;
      await grant(world, alice, Role.Anchor);
      await expect(guard.revokeRole(alice.address, Role.Anchor))
        .to.emit(consortium, "RoleRevoked")
        .withArgs(org, alice.address, Role.Anchor, guardian.address);
      await expectRight(alice.address, Role.Anchor, "RoleMissing", [alice.address, Role.Anchor]);
    });

    it("refuses to end what is not there", async () => {
      const { consortium, guard, alice, stranger } = world;
      const cases = [
        [alice, "RoleMissing", [alice.address, Role.Anchor]],
        [stranger, "SignatoryUnknown", [stranger.address]],
      ] as const;
      for (const [account, error, args] of cases) {
        const state = stateOf(account.address);
        const forfeit = (sent: object) => consortium.connect(account).forfeit(Role.Anchor, sent);
        await expectRefused(forfeit, consortium, error, args, state);
        const revoke = (sent: object) => guard.revokeRole(account.address, Role.Anchor, sent);
        await expectRefused(revoke, consortium, error, args, state);
      }
    });

    it("works while the organisation is suspended and stays after its return", async () => {
      const { consortium, register, guard, org, alice, bob } = world;
      await grant(world, alice, Role.Manufacturer);
      await grant(world, bob, Role.Manufacturer);
      await guard.suspend(org);
      await consortium.connect(alice).forfeit(Role.Manufacturer);
      await register.reinstate(org);
      await expectRight(alice.address, Role.Manufacturer, "RoleMissing", [alice.address, Role.Manufacturer]);
      await expectRight(bob.address, Role.Manufacturer);
    });
  });

  describe("an organisation that is not active", () => {
    it("stops every role of every signatory, and its return brings back the unexpired ones", async () => {
      const { consortium, register, guard, org, alice, bob } = world;
      await grant(world, alice, Role.Manufacturer, 30n);
      await grant(world, bob, Role.Anchor, 2n);
      await guard.suspend(org);
      for (const account of [alice.address, bob.address]) {
        for (const role of ROLES) {
          await expectRight(account, role, "OrganisationNotActive", [org, OrgStatus.Suspended]);
          expect(await consortium.termOf(account, role)).to.deep.equal([0n, 0n]);
        }
      }
      await time.increase(3n * DAY);
      await register.reinstate(org);
      await expectRight(alice.address, Role.Manufacturer);
      const { until } = await consortium.termOf(bob.address, Role.Anchor);
      await expectRight(bob.address, Role.Anchor, "RoleExpired", [bob.address, Role.Anchor, until]);
    });

    it("stops them for ever when it exits", async () => {
      const { register, org, alice } = world;
      await grant(world, alice, Role.Manufacturer);
      await register.exit(org);
      await expectRight(alice.address, Role.Manufacturer, "OrganisationNotActive", [org, OrgStatus.Exited]);
    });
  });

  describe("listeners", () => {
    /** The folded copy in the registry says what the consortium says. */
    const expectFolded = async (account: string) => {
      const { consortium, registry } = world;
      const { until, quota } = await registry.manufacturerOf(account);
      expect([until, quota]).to.deep.equal(await consortium.termOf(account, Role.Manufacturer));
      return [until, quota];
    };

    it("are told of every change of a term", async () => {
      const { consortium, register, guard, registry, org, alice } = world;
      const { until, limit } = await grant(world, alice, Role.Manufacturer, 30n, 70n);
      const ended: [string, () => Promise<unknown>, boolean][] = [
        ["suspend", () => guard.suspend(org), true],
        ["reinstate", () => register.reinstate(org), false],
        ["forfeit", () => consortium.connect(alice).forfeit(Role.Manufacturer), true],
        ["grant", () => register.grantRole(alice.address, Role.Manufacturer, until, limit), false],
        ["revoke", () => guard.revokeRole(alice.address, Role.Manufacturer), true],
        ["grant", () => register.grantRole(alice.address, Role.Manufacturer, until, limit), false],
        ["exit", () => register.exit(org), true],
      ];
      expect(await registry.manufacturerOf(alice.address)).to.deep.equal([org, until, limit, 0n]);
      for (const [change, act, zero] of ended) {
        await act();
        const term = await expectFolded(alice.address);
        expect(term, change).to.deep.equal(zero ? [0n, 0n] : [until, limit]);
      }
    });

    it("are told of a removal", async () => {
      const { guard, alice } = world;
      await grant(world, alice, Role.Manufacturer);
      await guard.removeSignatory(alice.address);
      expect(await expectFolded(alice.address)).to.deep.equal([0n, 0n]);
    });

    it("believe nobody else", async () => {
      const { registry, admin, alice, org } = world;
      for (const caller of [alice, admin]) {
        await expectRefused(
          (sent) =>
            registry
              .connect(caller)
              .onRoleChanged(org, alice.address, Role.Manufacturer, { until: 9n, limit: 9n }, sent),
          registry,
          "RoleSourceRefused",
          [caller.address],
          stateOf(alice.address),
        );
      }
    });

    it("take no other role for theirs", async () => {
      const { consortium, admin, registry, alice } = world;
      await consortium.connect(admin).setRoleListener(Role.Anchor, registry);
      await grant(world, alice, Role.Anchor);
      expect(await expectFolded(alice.address)).to.deep.equal([0n, 0n]);
    });

    it("are named once, before the first grant, and must be contracts", async () => {
      const { consortium, admin, registry, alice } = world;
      await grant(world, alice, Role.Treasurer);
      const [fixed, target] = [await registry.getAddress(), await consortium.getAddress()];
      const none = ethers.ZeroAddress;
      const cases: [bigint, string, string, unknown[]][] = [
        [Role.Manufacturer, target, "RoleListenerFixed", [Role.Manufacturer, fixed]],
        [Role.Treasurer, fixed, "RoleListenerFixed", [Role.Treasurer, none]],
        [Role.None, fixed, "RoleListenerFixed", [Role.None, none]],
        [Role.Anchor, alice.address, "RoleListenerInvalid", [alice.address]],
        [Role.Anchor, none, "RoleListenerInvalid", [none]],
      ];
      for (const [role, listener, error, args] of cases) {
        await expectRefused(
          (sent) => consortium.connect(admin).setRoleListener(role, listener, sent),
          consortium,
          error,
          args,
          () => consortium.listenerOf(role),
        );
      }
      await expect(consortium.connect(admin).setRoleListener(Role.Anchor, registry))
        .to.emit(consortium, "RoleListenerSet")
        .withArgs(Role.Anchor, none, fixed);
      expect(await consortium.listenerOf(Role.Anchor)).to.equal(fixed);
    });

    it("cost a bounded suspension: sixteen manufacturers fit a transaction many times", async () => {
      const { consortium, register, guard, registrar } = world;
      const accounts = Array.from({ length: 16 }, (_, i) =>
        ethers.getAddress(`0x${(0xabcdef0000n + BigInt(i)).toString(16).padStart(40, "1")}`),
      );
      const org = await admit({ consortium, registrar }, "full");
      const until = BigInt(await time.latest()) + DAY;
      for (const account of accounts) {
        await register.addSignatory(org, account);
        await register.grantRole(account, Role.Manufacturer, until, 1_000n);
      }
      const suspension = await (await guard.suspend(org)).wait();
      for (const account of accounts) expect(await expectFolded(account)).to.deep.equal([0n, 0n]);
      const reinstatement = await (await register.reinstate(org)).wait();
      for (const account of accounts) expect(await expectFolded(account)).to.deep.equal([until, 1_000n]);
      expectGas("Suspend an organisation of sixteen manufacturers", suspension!.gasUsed);
      expectGas("Reinstate an organisation of sixteen manufacturers", reinstatement!.gasUsed);
      expect(reinstatement!.gasUsed < 2n ** 24n / 10n).to.equal(true);
    });
  });
});
