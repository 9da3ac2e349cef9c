/** X.509 certificates of devices (RFC 5280, IEEE 802.1AR), checked without asking a node. */
export { type Certificate, type NameAttribute, readCertificate, readCertificates } from "./certificate.js";
export {
  type CertificateCheck,
  type CertifiedDevice,
  type CheckedCertificate,
  checkDeviceCertificate,
} from "./device.js";
export { CertificateError, type CertificateErrorCode } from "./error.js";
export type { KeyUsage } from "./extensions.js";
