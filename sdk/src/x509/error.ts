import { TenonError } from "../errors.js";

/** Why a certificate is refused; the code says what is wrong with it, `args` where. */
export type CertificateErrorCode =
  | "CertificateMalformed"
  | "CertificateAlgorithmRefused"
  | "CertificateNotCurrent"
  | "CertificateSignatureInvalid"
  | "CertificateNotAuthority"
  | "CertificateExtensionRefused"
  | "CertificateAuthorityMissing"
  | "CertificateProfileViolated"
  | "CertificateDeviceMismatch"
  | "CertificateKeyReplaced";

const remedies: Record<CertificateErrorCode, string> = {
  CertificateMalformed: "Give the certificate as its authority issued it, in PEM or DER.",
  CertificateAlgorithmRefused:
    "Let the authority sign with ECDSA or RSA over SHA-2, Ed25519, or SM2 with SM3.",
  CertificateNotCurrent: "Check the clock; a certificate whose time is over must be issued anew.",
  CertificateSignatureInvalid: "Do not use it: its issuer did not sign it, or it was changed since.",
  CertificateNotAuthority:
    "Put only certificates of authorities that may sign certificates above the device's.",
  CertificateExtensionRefused: "Let the authority issue it without this critical extension.",
  CertificateAuthorityMissing:
    "Give all certificates up to the authority, and let the registrar admit that authority's certificate.",
  CertificateProfileViolated:
    "Let the authority issue it by the profile of IEEE 802.1AR (docs/certificates.md).",
  CertificateDeviceMismatch:
    "Use a certificate that names this device's DID as a URI, or that has the device's present key.",
  CertificateKeyReplaced: "Let the authority issue a certificate for the key that is in force now.",
};

/** A refusal of a certificate, before any chain was asked. */
export class CertificateError extends TenonError {
  declare readonly code: CertificateErrorCode;

  constructor(
    code: CertificateErrorCode,
    shortMessage: string,
    args: Record<string, unknown> = {},
    cause?: unknown,
  ) {
    super(code, shortMessage, { args, remedy: remedies[code], cause });
    this.name = "CertificateError";
  }
}
