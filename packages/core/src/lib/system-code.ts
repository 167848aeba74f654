import { asFields, matches } from './parse.ts'

/** Codes of the system, of TLS, of modules and of `fetch`: words from fixed lists, so none of them can be a secret. */
const CODES =
  /^(E(CONNREFUSED|CONNRESET|CONNABORTED|NOTFOUND|AI_AGAIN|TIMEDOUT|PIPE|HOSTUNREACH|NETUNREACH|PROTO|ACCES|NOENT|MFILE)|UND_ERR_(CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT|SOCKET)|CERT_HAS_EXPIRED|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|ERR_(TLS_CERT_ALTNAME_INVALID|INVALID_URL|MODULE_NOT_FOUND|REQUIRE_ESM)|MODULE_NOT_FOUND)$/

/** The system's code of an error or of its cause, such as `ECONNREFUSED`; `undefined` when there is none. */
export function systemCodeOf(error: unknown): string | undefined {
  const fields = asFields(error)
  const codes = [fields?.['code'], asFields(fields?.['cause'])?.['code']]
  return codes.find((code): code is string => matches(code, CODES))
}
