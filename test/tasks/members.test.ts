import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { TenonError } from "../../sdk/src/errors.js";
import { checkMembers, readMembers } from "../../tasks/deploy/members.js";

const A = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const B = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";

function members(change: (file: ReturnType<typeof valid>) => void) {
  const file = valid();
  change(file);
  return file;
}

function valid() {
  return {
    organisations: [
      {
        name: "Plant",
        code: "91310000MA1K35T21X" as unknown,
        signatories: [{ address: A, roles: [{ role: "Anchor", days: 365 as unknown }] }],
      },
    ],
    streams: [{ key: A }],
  };
}

describe("members file", () => {
  it("is read with addresses in their checksummed form", () => {
    const file = members((one) => {
      one.organisations[0]!.signatories[0]!.address = A.toLowerCase();
    });
    expect(checkMembers(file)).to.deep.equal(valid());
  });

  const org = (file: ReturnType<typeof valid>) => file.organisations[0]!;
  const role = (file: ReturnType<typeof valid>) => org(file).signatories[0]!.roles[0]!;
  const cases: Record<string, { file: unknown; field: string }> = {
    "no object": { file: [], field: "the file" },
    "no organisations": { file: {}, field: "organisations" },
    "a code that is neither USCC nor LEI": {
      file: members((f) => {
        org(f).code = "123";
      }),
      field: "organisations[0].code",
    },
    "an empty name": {
      file: members((f) => {
        org(f).name = "";
      }),
      field: "organisations[0].name",
    },
    "a signatory that is no address": {
      file: members((f) => {
        org(f).signatories[0]!.address = "0x1";
      }),
      field: "organisations[0].signatories[0].address",
    },
    "a role nobody knows": {
      file: members((f) => {
        role(f).role = "None";
      }),
      field: "organisations[0].signatories[0].roles[0].role",
    },
    "a term longer than the consortium allows": {
      file: members((f) => {
        role(f).days = 401;
      }),
      field: "organisations[0].signatories[0].roles[0].days",
    },
    "one code twice": {
      file: members((f) => {
        f.organisations.push({ ...org(f), signatories: [] });
      }),
      field: "code",
    },
    "one account in two organisations": {
      file: members((f) => {
        f.organisations.push({ ...org(f), code: "5493001KJTIIGC8Y1R12" });
      }),
      field: "signatory",
    },
    "one role twice": {
      file: members((f) => {
        org(f).signatories[0]!.roles.push(role(f));
      }),
      field: "role of organisations[0].signatories[0]",
    },
    "a stream for a key without the Anchor role": {
      file: members((f) => {
        f.streams[0]!.key = B;
      }),
      field: "streams",
    },
  };
  for (const [name, { file, field }] of Object.entries(cases)) {
    it(`refuses ${name}`, () => {
      expect(() => checkMembers(file))
        .to.throw(TenonError)
        .with.nested.property("args.field", field);
    });
  }

  it("refuses a file that is not there or not JSON", () => {
    const path = join(mkdtempSync(join(tmpdir(), "tenon-members-")), "members.json");
    expect(() => readMembers(path)).to.throw(TenonError, "cannot be read");
    writeFileSync(path, "organisations:");
    expect(() => readMembers(path)).to.throw(TenonError, "cannot be read");
  });
});
