/** Why a transfer from an origin failed: one code of the error table, from whatever the libraries below throw. */
import type { ErrorCode } from "../core/base/errors.ts";

/** A failed transfer; `detail` is for the log and the problem body, never parsed. */
export type OriginFailure = { code: ErrorCode; detail: string };

/** An error whose code is already one of ours: thrown by the connector, through the client library, back to us. */
export class OriginError extends Error {
  code: ErrorCode;

  constructor(code: ErrorCode, detail: string) {
    super(detail);
    this.code = code;
  }
}

/**
 * Names the failure. `headSeen` says whether the response head was complete: the same broken connection is an
 * unreachable origin before it and a truncated response after it.
 */
export function originFailure(error: unknown, headSeen: boolean): OriginFailure {
  if (error instanceof OriginError) return { code: error.code, detail: error.message };
  const code = errorText(error, "code");
  const message = errorText(error, "message");
  const detail = code === "" ? message : `${code}: ${message}`;
  // R-ORIGIN-14
  if (code === "HPE_INVALID_EOF_STATE" && headSeen) return { code: "upstream-truncated", detail };
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" && headSeen) return { code: "upstream-truncated", detail };
  // R-ORIGIN-12
  if (isProtocolError(code, message)) return { code: "upstream-protocol", detail };
  if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_NOT_SUPPORTED") return { code: "internal", detail };
  // R-ORIGIN-14
  if (headSeen && isConnectionLoss(error)) return { code: "upstream-truncated", detail };
  // R-ORIGIN-9
  if (isTlsError(code)) return { code: "upstream-tls", detail };
  // R-ORIGIN-10
  if (code === "ETIMEDOUT") return { code: "upstream-timeout", detail };
  // R-ORIGIN-8
  if (isConnectionLoss(error)) return { code: "upstream-refused", detail };
  return { code: "internal", detail };
}

/** Whether the connection broke, as opposed to bytes that are wrong, a limit of ours, or a programmer's error. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof OriginError) return false;
  const code = errorText(error, "code");
  if (isProtocolError(code, errorText(error, "message"))) return false;
  return code === "UND_ERR_SOCKET" || isTlsError(code) || systemCodes.includes(code);
}

const systemCodes = [
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTCONN",
  "EADDRNOTAVAIL",
];

function isProtocolError(code: string, message: string): boolean {
  if (code.startsWith("HPE_")) return true;
  if (code === "UND_ERR_HEADERS_OVERFLOW" || code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return true;
  // The library's own words for an interim 100 that nobody asked for, bytes after a response, and an unasked upgrade.
  return code === "UND_ERR_SOCKET" && (message === "bad response" || message === "bad upgrade");
}

function isTlsError(code: string): boolean {
  return code.startsWith("ERR_SSL") || code.startsWith("ERR_TLS") || code === "EPROTO";
}

function errorText(error: unknown, key: "code" | "message"): string {
  if (typeof error !== "object" || error === null) return key === "message" ? String(error) : "";
  const value: unknown = Reflect.get(error, key);
  return typeof value === "string" ? value : "";
}
