import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Wallet } from "ethers";
import {
  accessReasons,
  accountOf,
  DeviceGuard,
  handOverHash,
  issueOfflinePass,
  Kind,
  keyGrantee,
  permissionsOf,
  Requester,
  readOfflinePass,
  roleGrantee,
  serviceCall,
  writeHandOver,
  writeNotice,
} from "../../../sdk/src/access/index.js";
import type { Hex } from "../../../sdk/src/bytes.js";
import { DeviceSigner } from "../../../sdk/src/device/key.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { Random, testSeed } from "../../support/random.js";
import { codeOf } from "../../support/refusal.js";
import { attempt, domain, grantee, NOW, OfflineWorld, OWNER, passFor, zeros } from "./support.js";

describe("a device that checks passes by itself", () => {
  let world: OfflineWorld;
  let guard: DeviceGuard;
  beforeEach(() => {
    world = new OfflineWorld();
    guard = world.closing(DeviceGuard.commission(world.options(), world.ownership));
  });
  afterEach(() => world.close());

  const tried = (pass: Uint8Array, wanted: Partial<Parameters<typeof attempt>[1]> = {}) =>
    attempt(guard, { pass, signer: world.requester, ...wanted });

  it("allows what its owner's pass gives, to the key it names", () => {
    const pass = world.issue();
    expect(tried(pass)).to.equal("Allowed");
    expect(tried(pass, { service: "start", permissions: ["startStop"] })).to.equal("Allowed");
    expect(tried(pass, { permissions: ["readState", "startStop"] })).to.equal("Allowed");
  });

  it("refuses a stolen pass: another key cannot make the request that it asks for", () => {
    const pass = world.issue();
    const thief = DeviceSigner.generate();
    expect(codeOf(() => tried(pass, { signer: thief }))).to.equal("RequesterKeyForeign");
    // A thief who leaves the SDK's own check out signs the request with the key he has.
    const masked = { ...thief, id: world.requester.id, sign: thief.sign, algorithm: thief.algorithm };
    expect(tried(pass, { signer: masked as unknown as DeviceSigner })).to.equal("ChallengeFailed");
    expect(tried(pass)).to.equal("Allowed");
  });

  it("refuses a request that was heard before, and a challenge it never gave", () => {
    const pass = world.issue();
    const requester = new Requester({ domain, signer: world.requester, pass });
    const hello = requester.hello() as { challenge: Uint8Array };
    requester.meet((guard.prove(hello.challenge) as { proof: Uint8Array }).proof);
    const heard = requester.request(permissionsOf(["readState"]), serviceCall("state"));
    if (heard.kind !== Kind.request) expect.fail();
    expect(guard.decide(heard.pass, heard.request).reason).to.equal("Allowed");
    expect(guard.decide(heard.pass, heard.request).reason, "again").to.equal("ChallengeFailed");
    const other = world.closing(
      DeviceGuard.commission(world.options({ path: join(world.dir, "other.json") }), world.ownership),
    );
    expect(other.decide(heard.pass, heard.request).reason, "elsewhere").to.equal("ChallengeFailed");
  });

  it("lets a challenge run out, and keeps no more than 64 open", () => {
    const pass = world.issue();
    const opened = () => {
      const requester = new Requester({ domain, signer: world.requester, pass });
      const hello = requester.hello() as { challenge: Uint8Array };
      requester.meet((guard.prove(hello.challenge) as { proof: Uint8Array }).proof);
      const message = requester.request(permissionsOf(["readState"]), serviceCall("state"));
      return message as { pass: Uint8Array; request: Uint8Array };
    };
    const late = opened();
    world.uptime += 60_001;
    expect(guard.decide(late.pass, late.request).reason).to.equal("ChallengeFailed");
    const displaced = opened();
    for (let i = 0; i < 64; i++) guard.prove(new Uint8Array(32));
    expect(guard.decide(displaced.pass, displaced.request).reason).to.equal("ChallengeFailed");
  });

  it("refuses a used counter, after a crash as well, and takes any under a newer pass", () => {
    const pass = world.issue();
    expect(tried(pass, { counter: 7n })).to.equal("Allowed");
    expect(tried(pass, { counter: 7n })).to.equal("CounterSeen");
    expect(tried(pass, { counter: 3n })).to.equal("CounterSeen");
    guard.close();
    guard = world.closing(DeviceGuard.open(world.options()));
    expect(tried(pass, { counter: 7n })).to.equal("CounterSeen");
    expect(tried(pass, { counter: 8n })).to.equal("Allowed");
    expect(tried(world.issue({ rev: 2 }), { counter: 1n })).to.equal("Allowed");
  });

  it("refuses more than the pass gives, an action that needs more than was asked, and nothing at all", () => {
    const narrow = world.issue({ permissions: permissionsOf(["readState"]) });
    const wider = { service: "start", permissions: ["startStop"] };
    expect(tried(narrow, wider)).to.equal("PermissionMissing");
    expect(tried(narrow, { service: "start" }), "asks for less than it does").to.equal("PermissionMissing");
    expect(tried(narrow, { permissions: [] })).to.equal("PermissionMissing");
    expect(tried(narrow, { service: "self-destruct" })).to.equal("PermissionMissing");
    expect(tried(narrow)).to.equal("Allowed");
  });

  it("refuses a pass that begins later or ran out, at the very second", () => {
    const pass = world.issue({ notBefore: NOW + 10, expiry: NOW + 20 });
    const at = (time: number) => {
      world.time = time;
      return tried(pass);
    };
    expect([NOW + 9, NOW + 10, NOW + 19, NOW + 20].map(at)).to.deep.equal([
      "PassNotYetValid",
      "Allowed",
      "Allowed",
      "PassExpired",
    ]);
  });

  it("refuses an older pass once it saw a newer one, and every pass once it saw the empty one", () => {
    const [first, second] = [world.issue(), world.issue({ rev: 2 })];
    expect(tried(first)).to.equal("Allowed");
    expect(tried(second)).to.equal("Allowed");
    expect(tried(first)).to.equal("PassRevoked");
    expect(tried(world.issue({ rev: 3, permissions: 0n }))).to.equal("PassRevoked");
    expect(tried(second)).to.equal("PassRevoked");
  });

  it("refuses another device's pass, another chain's, another contract's and another epoch's", () => {
    const elsewhere = (change: object) => {
      const { owner, requester, device } = world;
      const there = { ...domain, ...change };
      const issue = { pass: passFor(device.id), owner: OWNER, requester: requester.key, issuedAt: NOW };
      return issueOfflinePass(there, issue, owner);
    };
    const decided = (pass: Uint8Array) => {
      const own = world.issue();
      const asking = new Requester({ domain, signer: world.requester, pass: own });
      const hello = asking.hello() as { challenge: Uint8Array };
      asking.meet((guard.prove(hello.challenge) as { proof: Uint8Array }).proof);
      const sent = asking.request(permissionsOf(["readState"]), serviceCall("state"));
      if (sent.kind !== Kind.request) expect.fail();
      return guard.decide(pass, sent.request).reason;
    };
    expect(decided(world.issue({ device: zeros }))).to.equal("DeviceMismatch");
    expect(decided(elsewhere({ chainId: 1n }))).to.equal("DeviceMismatch");
    expect(decided(elsewhere({ access: `0x${"ad".repeat(20)}` }))).to.equal("SignatureInvalid");
    expect(decided(world.issue({ epoch: 2 }))).to.equal("PassEpochEnded");
    expect(decided(new Uint8Array(40))).to.equal("SignatureInvalid");
  });

  it("believes its owner's key alone", () => {
    const other = DeviceSigner.generate();
    expect(tried(world.issue({}, { owner: other }))).to.equal("SignatureInvalid");
    expect(tried(world.issue({}, { organisation: 3 }))).to.equal("SignatureInvalid");
    const secp = DeviceSigner.generate("secp256k1");
    expect(codeOf(() => world.issue({}, { owner: secp }))).to.equal("OfflinePassSignerInvalid");
  });

  it("keeps the least interval between two accesses", () => {
    const pass = world.issue({ minInterval: 30 });
    expect(tried(pass)).to.equal("Allowed");
    world.uptime += 29_999;
    expect(tried(pass)).to.equal("TooFrequent");
    world.uptime += 1;
    expect(tried(pass)).to.equal("Allowed");
  });

  it("takes secp256k1 requesters for their own account, P-256 ones by the owner's word", () => {
    const wallet = Wallet.createRandom();
    const secp = DeviceSigner.generate("secp256k1");
    const account = keyGrantee(accountOf(secp.key));
    const pass = world.issue({ grantee: account }, { requester: secp.key });
    expect(tried(pass, { signer: secp })).to.equal("Allowed");
    const stranger = keyGrantee(wallet.address);
    expect(codeOf(() => world.issue({ grantee: stranger }, { requester: secp.key }))).to.equal(
      "RequesterKeyInvalid",
    );
    const role = roleGrantee(4, 5);
    expect(codeOf(() => world.issue({ grantee: role }, { requester: secp.key }))).to.equal(
      "RequesterKeyInvalid",
    );
    expect(tried(world.issue({ grantee: role }))).to.equal("Allowed");
  });

  it("writes every decision about its owner's passes into a hash chain before it acts", () => {
    guard.close();
    const journal = world.journal();
    guard = world.closing(DeviceGuard.open(world.options({ journal })));
    const pass = world.issue();
    tried(pass);
    tried(pass, { permissions: ["updateFirmware"] });
    tried(world.issue({}, { owner: DeviceSigner.generate() }));
    const { digest } = readOfflinePass(domain, pass);
    const entries = journal.entries();
    expect(entries.map(({ reason }) => accessReasons[reason])).to.deep.equal([
      "Allowed",
      "PermissionMissing",
    ]);
    expect(entries[0]).to.deep.include({ subject: digest, grantee, time: NOW, epoch: 1 });
    expect(Object.fromEntries(guard.refused)).to.deep.equal({ PermissionMissing: 1, SignatureInvalid: 1 });
  });

  describe("with no clock", () => {
    beforeEach(() => {
      guard.close();
      guard = world.closing(DeviceGuard.open(world.withoutClock()));
    });

    it("learns from what the owner signs that time has passed, and refuses what ran out by then", () => {
      const short = world.issue({ expiry: NOW + 60 });
      expect(tried(short)).to.equal("Allowed");
      const later = world.issue({ grantee: roleGrantee(4, 5) }, { issuedAt: NOW + 60 });
      expect(tried(later)).to.equal("Allowed");
      expect(tried(short)).to.equal("PassExpired");
    });

    it("lets a pass that ran out open until then: nothing tells it", () => {
      world.time = NOW + 10_000_000;
      expect(tried(world.issue({ expiry: NOW + 60 }))).to.equal("Allowed");
    });

    it("refuses a pass that begins later than any time it knows", () => {
      expect(tried(world.issue({ notBefore: NOW + 1 }))).to.equal("PassNotYetValid");
    });
  });

  describe("and its owner", () => {
    const next = DeviceSigner.generate();
    const handOver = (change: object = {}, by = world.owner) => {
      const to = { organisation: 7, key: next.key };
      const entry = { device: world.device.id, fromEpoch: 1, toEpoch: 2, to, issuedAt: NOW, previous: zeros };
      return writeHandOver(domain, { ...entry, ...change }, by);
    };

    it("changes by a voucher that the present owner signed; every pass of the old owner is over", () => {
      const old = world.issue();
      expect(tried(old)).to.equal("Allowed");
      const voucher = handOver();
      expect(guard.takeHandOver(voucher)).to.equal("Allowed");
      expect(tried(old)).to.equal("PassEpochEnded");
      expect(tried(world.issue({ epoch: 2 })), "the old owner signs on").to.equal("SignatureInvalid");
      const fresh = world.issue({ epoch: 2 }, { owner: next, organisation: 7 });
      expect(tried(fresh)).to.equal("Allowed");
      expect(guard.takeHandOver(voucher), "again").to.equal("PassEpochEnded");
      guard.close();
      guard = world.closing(DeviceGuard.open(world.options()));
      expect(tried(fresh)).to.equal("Allowed");
      const third = handOver({ fromEpoch: 2, toEpoch: 5, previous: handOverHash(voucher) }, next);
      expect(guard.takeHandOver(third)).to.equal("Allowed");
      expect(guard.state.epoch).to.equal(5);
    });

    it("does not change by anybody else's, another device's, an old one's or one out of order", () => {
      expect(guard.takeHandOver(handOver({}, next))).to.equal("SignatureInvalid");
      expect(guard.takeHandOver(handOver({ device: zeros }))).to.equal("DeviceMismatch");
      expect(guard.takeHandOver(handOver({ toEpoch: 1 }))).to.equal("PassEpochEnded");
      expect(guard.takeHandOver(handOver({ fromEpoch: 2, toEpoch: 3 }))).to.equal("PassEpochEnded");
      const unlinked = handOver({ previous: `0x${"11".repeat(32)}` as Hex });
      expect(guard.takeHandOver(unlinked)).to.equal("SignatureInvalid");
      expect(codeOf(() => guard.takeHandOver(world.issue()))).to.equal("AccessMessageMalformed");
      expect(guard.state.owner.organisation).to.equal(OWNER);
    });

    it("revokes, stops and tells the time by notices that anybody may carry", () => {
      const notice = (change: object, by = world.owner) => {
        const base = {
          device: world.device.id,
          epoch: 1,
          serial: 1,
          issuedAt: NOW,
          stopped: false,
          revisions: [],
        };
        return writeNotice(domain, { ...base, ...change }, by);
      };
      const pass = world.issue();
      expect(guard.takeNotice(notice({ stopped: true }))).to.equal("Allowed");
      expect(tried(pass)).to.equal("AccessStopped");
      expect(guard.takeNotice(notice({}))).to.equal("CounterSeen");
      expect(guard.takeNotice(notice({ serial: 2 }, next))).to.equal("SignatureInvalid");
      expect(guard.takeNotice(notice({ serial: 2, epoch: 2 }))).to.equal("PassEpochEnded");
      expect(guard.takeNotice(notice({ serial: 2 }))).to.equal("Allowed");
      expect(tried(pass)).to.equal("Allowed");
      expect(guard.takeNotice(notice({ serial: 3, revisions: [{ grantee, rev: 2 }] }))).to.equal("Allowed");
      expect(tried(pass)).to.equal("PassRevoked");
      expect(tried(world.issue({ rev: 2 }))).to.equal("Allowed");
    });

    it("is told to it at the device when the old one signs nothing, in a newer epoch only", () => {
      guard.close();
      const again = (epoch: number) => DeviceGuard.commission(world.options(), { ...world.ownership, epoch });
      expect(codeOf(() => again(1))).to.equal("GuardEpochNotNewer");
      guard = world.closing(again(3));
      expect(tried(world.issue())).to.equal("PassEpochEnded");
      expect(tried(world.issue({ epoch: 3 }))).to.equal("Allowed");
    });
  });

  describe("keeps a state file", () => {
    it("for one process, one device and one deployment", () => {
      expect(codeOf(() => DeviceGuard.open(world.options()))).to.equal("FileLocked");
      guard.close();
      const foreign = { signer: DeviceSigner.generate() };
      expect(codeOf(() => DeviceGuard.open(world.options(foreign)))).to.equal("GuardStateForeign");
      const chain = { domain: { ...domain, chainId: 1n } };
      expect(codeOf(() => DeviceGuard.open(world.options(chain)))).to.equal("GuardStateForeign");
      const path = join(world.dir, "none.json");
      expect(codeOf(() => DeviceGuard.open(world.options({ path })))).to.equal("GuardNotCommissioned");
    });

    it("that says so when it is damaged, and is never half written", () => {
      tried(world.issue());
      guard.close();
      const { path } = world.options();
      const text = readFileSync(path, "utf8");
      for (const damage of [text.slice(0, -30), "{}", text.replace('"epoch":1', '"epoch":-1')]) {
        writeFileSync(path, damage);
        expect(codeOf(() => DeviceGuard.open(world.options()))).to.equal("GuardStateDamaged");
      }
      writeFileSync(path, text);
      writeFileSync(`${path}.new`, text.slice(0, 40)); // a crash while the next one was written
      guard = world.closing(DeviceGuard.open(world.options()));
      expect(guard.state.grantees.size).to.equal(1);
    });
  });

  const seed = testSeed();
  it(`never allows changed bytes, and refuses them by a reason (seed ${seed})`, () => {
    const random = new Random(seed);
    const pass = world.issue();
    for (let i = 0; i < 300; i++) {
      const requester = new Requester({ domain, signer: world.requester, pass });
      const hello = requester.hello() as { challenge: Uint8Array };
      requester.meet((guard.prove(hello.challenge) as { proof: Uint8Array }).proof);
      const sent = requester.request(permissionsOf(["readState"]), serviceCall("state"));
      if (sent.kind !== Kind.request) expect.fail();
      const parts = [new Uint8Array(sent.pass), new Uint8Array(sent.request)] as const;
      const changed = random.pick(parts);
      const at = random.below(changed.length);
      changed[at] = changed[at]! ^ (1 << random.below(8));
      expect(guard.decide(...parts).reason).to.be.oneOf([
        "SignatureInvalid",
        "ChallengeFailed",
        "DeviceMismatch",
        "PassEpochEnded",
      ]);
    }
    expect(tried(pass)).to.equal("Allowed");
  });
});

describe("a requester", () => {
  let world: OfflineWorld;
  let guard: DeviceGuard;
  let requester: Requester;
  beforeEach(() => {
    world = new OfflineWorld();
    guard = world.closing(DeviceGuard.commission(world.options(), world.ownership));
    requester = new Requester({ domain, signer: world.requester, pass: world.issue() });
  });
  afterEach(() => world.close());

  const challengeOf = (asking: Requester) => (asking.hello() as { challenge: Uint8Array }).challenge;
  const proofBy = (by: DeviceGuard, challenge: Uint8Array) =>
    (by.prove(challenge) as { proof: Uint8Array }).proof;

  it("tells nothing before the device has shown that it is the device", () => {
    const ask = () => requester.request(permissionsOf(["readState"]), serviceCall("state"));
    expect(codeOf(ask)).to.equal("DeviceUnproven");
    const impostor = world.closing(
      DeviceGuard.commission(
        world.options({
          path: join(world.dir, "x.json"),
          signer: DeviceSigner.generate(),
          device: world.device.id,
        }),
        world.ownership,
      ),
    );
    const challenge = challengeOf(requester);
    expect(codeOf(() => requester.meet(proofBy(impostor, challenge)))).to.equal("DeviceProofForeign");
    const heard = proofBy(
      guard,
      challengeOf(new Requester({ domain, signer: world.requester, pass: world.issue() })),
    );
    expect(
      codeOf(() => requester.meet(heard)),
      "another's challenge",
    ).to.equal("DeviceProofForeign");
    expect(codeOf(ask)).to.equal("DeviceUnproven");
    requester.meet(proofBy(guard, challenge));
    expect(codeOf(ask)).to.equal(undefined);
  });

  it("knows a device whose key was rotated by the key in its DID document", () => {
    const rotated = DeviceSigner.generate();
    const path = join(world.dir, "rotated.json");
    const options = world.options({ path, signer: rotated, device: world.device.id });
    const turned = world.closing(DeviceGuard.commission(options, world.ownership));
    const pass = world.issue();
    const pinned = new Requester({ domain, signer: world.requester, pass, deviceKey: rotated.key });
    expect(codeOf(() => pinned.meet(proofBy(turned, challengeOf(pinned))))).to.equal(undefined);
    expect(codeOf(() => requester.meet(proofBy(turned, challengeOf(requester))))).to.equal(
      "DeviceProofForeign",
    );
  });

  it("takes an answer from that device, to this request, and no other", () => {
    requester.meet(proofBy(guard, challengeOf(requester)));
    const sent = requester.request(permissionsOf(["readState"]), serviceCall("state"));
    if (sent.kind !== Kind.request) expect.fail();
    const decision = guard.decide(sent.pass, sent.request);
    const answer = (decision.answer(new Uint8Array([1, 2])) as { answer: Uint8Array }).answer;
    const forged = new Uint8Array(answer);
    forged[forged.length - 80] = forged[forged.length - 80]! ^ 1;
    const foreign = codeOf(() => requester.result(forged));
    expect(foreign).to.be.oneOf(["AccessAnswerForeign", "AccessMessageMalformed"]);
    expect([...requester.result(answer)]).to.deep.equal([1, 2]);
    expect(
      codeOf(() => requester.result(answer)),
      "twice",
    ).to.equal("AccessAnswerForeign");
  });

  it("is refused by name, and asks again on the same connection", () => {
    requester.meet(proofBy(guard, challengeOf(requester)));
    const once = (names: string[]) => {
      const sent = requester.request(permissionsOf(names), serviceCall("state"));
      if (sent.kind !== Kind.request) expect.fail();
      return requester.result(
        (guard.decide(sent.pass, sent.request).answer() as { answer: Uint8Array }).answer,
      );
    };
    try {
      once(["updateFirmware"]);
      expect.fail("was allowed");
    } catch (error) {
      expect(error).to.be.instanceOf(TenonError);
      expect((error as TenonError).code).to.equal("PermissionMissing");
      expect((error as TenonError).remedy).to.include("no more than the pass gives");
    }
    expect(once(["readState"])).to.have.length(0);
  });
});
