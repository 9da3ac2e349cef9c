import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";
import { anchor, commitmentOf, deployTelemetry, nextAnchor, type TestAnchor } from "../support/anchors.js";
import { DAY, grant, Role } from "../support/consortium.js";

const { ethers, networkHelpers } = await network.create();
const { loadFixture, time } = networkHelpers;
const fixture = () => deployTelemetry(ethers);

describe("AnchorLog", () => {
  describe("a stream", () => {
    it("starts empty, with its key's term folded to the last full hour", async () => {
      const { log, oracle, term, stream } = await loadFixture(fixture);
      const head = await log.head(stream);
      expect([...head]).to.deep.equal([oracle.address, term.until / 3600n, 0n, 0n]);
      expect(await log.streamOf(oracle.address)).to.equal(stream);
    });

    it("is opened by the registrar only", async () => {
      const { log, spare, manager, oracle, ...base } = await loadFixture(fixture);
      await grant(base, spare, Role.Anchor);
      await expect(log.connect(oracle).openStream(spare.address))
        .to.be.revertedWithCustomError(log, "AccessManagedUnauthorized")
        .withArgs(oracle.address);
      await expect(log.connect(oracle).setKey(1n, spare.address)).to.be.revertedWithCustomError(
        log,
        "AccessManagedUnauthorized",
      );
      expect(await log.streamCount()).to.equal(1n);
    });

    it("is opened only for a key that holds the role now, and only one for a key", async () => {
      const { log, registrar, consortium, oracle, spare, stream, ...base } = await loadFixture(fixture);
      const registry = log.connect(registrar);
      await expect(registry.openStream(spare.address))
        .to.be.revertedWithCustomError(consortium, "RoleMissing")
        .withArgs(spare.address, Role.Anchor);
      await expect(registry.openStream(ZeroAddress)).to.be.revertedWithCustomError(
        consortium,
        "SignatoryUnknown",
      );
      await expect(registry.openStream(oracle.address))
        .to.be.revertedWithCustomError(log, "StreamKeyTaken")
        .withArgs(oracle.address, stream);
      expect(await log.streamCount()).to.equal(1n);

      const { until } = await grant({ ...base, consortium, registrar }, spare, Role.Anchor, 2n);
      const opening = registry.openStream(spare.address);
      await expect(opening).to.emit(log, "StreamOpened").withArgs(2n, spare.address);
      await expect(opening)
        .to.emit(log, "StreamKeySet")
        .withArgs(2n, ZeroAddress, spare.address, until / 3600n);
    });

    it("continues where it stood when its key is replaced, and frees the old key", async () => {
      const world = await loadFixture(fixture);
      const { log, registrar, oracle, spare, stream } = world;
      await anchor(world);
      const { until } = await grant(world, spare, Role.Anchor);
      await expect(log.connect(registrar).setKey(stream, spare.address))
        .to.emit(log, "StreamKeySet")
        .withArgs(stream, oracle.address, spare.address, until / 3600n);

      await expect(log.connect(oracle).anchor(stream, await nextAnchor(world)))
        .to.be.revertedWithCustomError(log, "AnchorKeyRefused")
        .withArgs(stream, oracle.address, spare.address);
      await anchor({ ...world, oracle: spare });
      expect((await log.head(stream)).next).to.equal(2n);
      expect(await log.streamOf(oracle.address)).to.equal(0n);
      await log.connect(registrar).openStream(oracle.address);
      expect(await log.streamOf(oracle.address)).to.equal(2n);
    });

    it("takes no key that has a stream, and no key for a stream that is not there", async () => {
      const world = await loadFixture(fixture);
      const { log, registrar, oracle, spare, stream } = world;
      await grant(world, spare, Role.Anchor);
      await expect(log.connect(registrar).setKey(stream, oracle.address))
        .to.be.revertedWithCustomError(log, "StreamKeyTaken")
        .withArgs(oracle.address, stream);
      await expect(log.connect(registrar).setKey(7n, spare.address))
        .to.be.revertedWithCustomError(log, "StreamUnknown")
        .withArgs(7n);
      await expect(log.refresh(7n)).to.be.revertedWithCustomError(log, "StreamUnknown").withArgs(7n);
    });
  });

  describe("an anchor", () => {
    it("moves the head by one batch and its frames, and says everything in its event", async () => {
      const world = await loadFixture(fixture);
      const { log, oracle, stream } = world;
      const a = await nextAnchor(world, { count: 7 });
      await expect(log.connect(oracle).anchor(stream, a))
        .to.emit(log, "Anchored")
        .withArgs(stream, 0n, 0n, 7n, a.minTime, a.maxTime, a.framesRoot, a.headsRoot, a.rejectsRoot);
      const head = await log.head(stream);
      expect([head.next, head.size]).to.deep.equal([1n, 7n]);
      expect(await log.commitmentOf(stream, a)).to.equal(commitmentOf(stream, a));
      await log.requireAnchored(stream, a, []);
    });

    it("may have a window of one second, and a clock 15 seconds ahead of the block's", async () => {
      const world = await loadFixture(fixture);
      const { log, oracle, stream } = world;
      const now = BigInt(await time.latest()) + 100n;
      await time.setNextBlockTimestamp(now);
      const a = await nextAnchor(world, { minTime: now + 15n, maxTime: now + 15n });
      await log.connect(oracle).anchor(stream, a);
      expect((await log.head(stream)).next).to.equal(1n);
    });

    type Refusal = { what: string; given: Partial<TestAnchor>; error: string; args: unknown[] };
    const now = 3_000_000_000n;
    const refusals: Refusal[] = [
      {
        what: "repeats the last batch",
        given: { batch: 0 },
        error: "AnchorOutOfOrder",
        args: [1n, 1n, 5n, 0n, 5n],
      },
      { what: "skips a batch", given: { batch: 2 }, error: "AnchorOutOfOrder", args: [1n, 1n, 5n, 2n, 5n] },
      { what: "overlaps", given: { first: 4n }, error: "AnchorOutOfOrder", args: [1n, 1n, 5n, 1n, 4n] },
      {
        what: "leaves frames out",
        given: { first: 6n },
        error: "AnchorOutOfOrder",
        args: [1n, 1n, 5n, 1n, 6n],
      },
      { what: "has no frames", given: { count: 0 }, error: "AnchorEmpty", args: [1n, 1n] },
      {
        what: "has a window that ends before it starts",
        given: { minTime: now, maxTime: now - 1n },
        error: "AnchorWindowInvalid",
        args: [now, now - 1n],
      },
      {
        what: "has a window in the future",
        given: { maxTime: now + 16n },
        error: "AnchorInFuture",
        args: [now + 16n, now + 15n],
      },
    ];
    for (const { what, given, error, args } of refusals) {
      it(`is refused when it ${what}`, async () => {
        const world = await loadFixture(fixture);
        const { log, oracle, stream } = world;
        await time.increaseTo(now - 10n * DAY);
        await grant(world, oracle, Role.Anchor);
        await anchor(world);
        const before = await log.head(stream);
        const a = await nextAnchor(world, given);
        await time.setNextBlockTimestamp(now);
        await expect(log.connect(oracle).anchor(stream, a))
          .to.be.revertedWithCustomError(log, error)
          .withArgs(...args);
        expect(await log.head(stream)).to.deep.equal(before);
      });
    }

    it("is refused from another key, and for a stream that is not there", async () => {
      const world = await loadFixture(fixture);
      const { log, spare, oracle, stream } = world;
      await grant(world, spare, Role.Anchor);
      const a = await nextAnchor(world);
      await expect(log.connect(spare).anchor(stream, a))
        .to.be.revertedWithCustomError(log, "AnchorKeyRefused")
        .withArgs(stream, spare.address, oracle.address);
      await expect(log.connect(oracle).anchor(2n, a))
        .to.be.revertedWithCustomError(log, "StreamUnknown")
        .withArgs(2n);
      expect((await log.head(stream)).next).to.equal(0n);
    });

    it("is refused when a number does not fit its type, with nothing said", async () => {
      const world = await loadFixture(fixture);
      const { log, oracle, stream } = world;
      const data = log.interface.encodeFunctionData("anchor", [stream, await nextAnchor(world)]);
      const to = await log.getAddress();
      for (const word of [0, 1, 2, 3, 4, 5]) {
        const start = 10 + 64 * word;
        const dirty = `${data.slice(0, start)}ff${data.slice(start + 2)}`;
        const call = ethers.provider.call({ from: oracle.address, to, data: dirty });
        await expect(call, `word ${word}`).to.be.revertedWithoutReason(ethers);
      }
    });

    it("is refused when the stream could no longer number its frames", async () => {
      const world = await loadFixture(fixture);
      const { log, oracle, stream } = world;
      const count = 2 ** 32 - 1;
      for (let i = 0; i < 256; i++) await anchor(world, { count });
      const before = await log.head(stream);
      await expect(log.connect(oracle).anchor(stream, await nextAnchor(world, { count: 257 })))
        .to.be.revertedWithCustomError(log, "StreamFull")
        .withArgs(stream);
      expect(await log.head(stream)).to.deep.equal(before);
      await anchor(world, { count: 255 });
      expect((await log.head(stream)).size).to.equal(2n ** 40n - 1n);
    });

    it("is refused twice in the same bytes, which is what a resent transaction is", async () => {
      const world = await loadFixture(fixture);
      const { log, oracle, stream } = world;
      const a = await anchor(world);
      await expect(log.connect(oracle).anchor(stream, a))
        .to.be.revertedWithCustomError(log, "AnchorOutOfOrder")
        .withArgs(stream, 1n, 5n, 0n, 0n);
    });
  });

  describe("the key's role", () => {
    async function expectRefused(world: Awaited<ReturnType<typeof fixture>>, untilHour: bigint) {
      const { log, oracle, stream } = world;
      const before = await log.head(stream);
      await expect(log.connect(oracle).anchor(stream, await nextAnchor(world)))
        .to.be.revertedWithCustomError(log, "AnchorRoleExpired")
        .withArgs(stream, oracle.address, untilHour);
      expect(await log.head(stream)).to.deep.equal(before);
    }

    it("counts up to the last full hour of its term and not a second longer", async () => {
      const world = await loadFixture(fixture);
      const { log, oracle, stream, term } = world;
      const end = (term.until / 3600n) * 3600n;
      await time.increaseTo(end - 10n);
      const a = await nextAnchor(world);
      await time.setNextBlockTimestamp(end - 1n);
      await log.connect(oracle).anchor(stream, a);
      await expectRefused(world, term.until / 3600n);
    });

    it("is renewed by a grant, without a call to the log", async () => {
      const world = await loadFixture(fixture);
      await time.increaseTo(world.term.until);
      await expectRefused(world, world.term.until / 3600n);
      await grant(world, world.oracle, Role.Anchor);
      await anchor(world);
    });

    it("ends at once when it is forfeited or revoked", async () => {
      const world = await loadFixture(fixture);
      await world.consortium.connect(world.oracle).forfeit(Role.Anchor);
      await expectRefused(world, 0n);
      await grant(world, world.oracle, Role.Anchor);
      await anchor(world);
      await world.consortium.connect(world.guardian).revokeRole(world.oracle.address, Role.Anchor);
      await expectRefused(world, 0n);
    });

    it("rests while its organisation is suspended, and ends with its signatory", async () => {
      const world = await loadFixture(fixture);
      const { consortium, guardian, registrar, oracle, oracleOrg } = world;
      await consortium.connect(guardian).suspend(oracleOrg);
      await expectRefused(world, 0n);
      await consortium.connect(registrar).reinstate(oracleOrg);
      await anchor(world);
      await consortium.connect(guardian).removeSignatory(oracle.address);
      await expectRefused(world, 0n);
    });

    it("is told by the consortium only, and other roles and keys change nothing", async () => {
      const world = await loadFixture(fixture);
      const { log, oracle, spare, oracleOrg, stranger, stream } = world;
      const before = await log.head(stream);
      await expect(
        log.connect(stranger).onRoleChanged(oracleOrg, oracle.address, Role.Anchor, { until: 9e9, limit: 0 }),
      )
        .to.be.revertedWithCustomError(log, "RoleSourceRefused")
        .withArgs(stranger.address);
      await grant(world, oracle, Role.Treasurer, 300n);
      await grant(world, spare, Role.Anchor, 300n);
      expect(await log.head(stream)).to.deep.equal(before);
      expect(await log.streamOf(spare.address)).to.equal(0n);
    });
  });

  describe("requireAnchored", () => {
    it("refuses a batch that is not anchored yet, and a stream that is not there", async () => {
      const world = await loadFixture(fixture);
      const { log, stream } = world;
      const a = await nextAnchor(world);
      await expect(log.requireAnchored(stream, a, []))
        .to.be.revertedWithCustomError(log, "BatchUnknown")
        .withArgs(stream, 0n, 0n);
      await expect(log.requireAnchored(9n, a, []))
        .to.be.revertedWithCustomError(log, "BatchUnknown")
        .withArgs(9n, 0n, 0n);
    });

    it("refuses a batch of which anything differs", async () => {
      const world = await loadFixture(fixture);
      const { log, stream } = world;
      const a = await anchor(world);
      const others: Partial<TestAnchor>[] = [
        { first: 1n },
        { count: 6 },
        { minTime: a.minTime - 1n },
        { maxTime: a.maxTime + 1n },
        { framesRoot: ZeroHash },
        { headsRoot: a.framesRoot },
        { rejectsRoot: ZeroHash },
      ];
      for (const other of others) {
        await expect(log.requireAnchored(stream, { ...a, ...other }, []))
          .to.be.revertedWithCustomError(log, "BatchMismatch")
          .withArgs(stream, 0n);
      }
    });

    it("refuses the batch of another stream", async () => {
      const world = await loadFixture(fixture);
      const { log, registrar, spare } = world;
      await grant(world, spare, Role.Anchor);
      await log.connect(registrar).openStream(spare.address);
      const a = await anchor(world);
      await anchor({ ...world, oracle: spare, stream: 2n }, { framesRoot: a.headsRoot });
      await expect(log.requireAnchored(2n, a, [])).to.be.revertedWithCustomError(log, "BatchMismatch");
    });

    it("refuses a path while the epoch is not sealed", async () => {
      const world = await loadFixture(fixture);
      const a = await anchor(world);
      await expect(world.log.requireAnchored(world.stream, a, Array(10).fill(ZeroHash)))
        .to.be.revertedWithCustomError(world.log, "EpochNotSealed")
        .withArgs(world.stream, 0n);
    });
  });
});
