/** Why a transfer from an origin failed: one code of the error table, from whatever the libraries below throw. */
import type { ErrorCode } from "../core/base/errors.ts";

/** A failed transfer; `detail` is for the log, never parsed and never told to a player. */
export type OriginFailure = { code: ErrorCode; detail: string };

/** What a player is told of a failed transfer, one sentence a code (R-ORIGIN-24). */
const toldSentences: Partial<Record<ErrorCode, string>> = {
  "upstream-refused": "the connection was refused or lost before the response",
  "upstream-dns": "the name does not resolve",
  "upstream-tls": "the handshake failed",
  "upstream-protocol": "the response is malformed",
  "upstream-truncated": "the connection was lost inside the response",
  "upstream-timeout": "nothing came in time",
  "playlist-too-large": "the decoded playlist is larger than playlistBytesMax",
  "forbidden-upstream": "the upstream or its address is not allowed",
};

/** The failure as the core and a player may know it: the words of a library would differ from twin to twin. */
export function toldFailure(failure: OriginFailure): OriginFailure {
  // R-ORIGIN-24
  return { code: failure.code, detail: toldSentences[failure.code] ?? "" };
}

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
  if (isEarlyEnd(error) && headSeen) return { code: "upstream-truncated", detail };
  // R-ORIGIN-12
  if (isProtocolError(error)) return { code: "upstream-protocol", detail };
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
  if (isProtocolError(error)) return false;
  const code = errorText(error, "code");
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

/** The connection ended in an orderly way before the body's end: the library calls that a parser's error. */
function isEarlyEnd(error: unknown): boolean {
  if (errorText(error, "code") === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return true;
  return errorText(error, "name") === "HTTPParserError" && errorText(error, "message").includes("Invalid EOF state");
}

function isProtocolError(error: unknown): boolean {
  // By name: version 8 of the library leaves the code of its parser's errors undefined.
  if (errorText(error, "name") === "HTTPParserError") return true;
  const code = errorText(error, "code");
  if (code === "UND_ERR_HEADERS_OVERFLOW" || code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return true;
  if (code !== "UND_ERR_SOCKET") return false;
  // The library's words for an interim 100 that nobody asked for, bytes after a response, and an unasked upgrade.
  const message = errorText(error, "message");
  return message === "bad response" || message === "bad upgrade";
}

function isTlsError(code: string): boolean {
  return code.startsWith("ERR_SSL") || code.startsWith("ERR_TLS") || code === "EPROTO";
}

function errorText(error: unknown, key: "code" | "message" | "name"): string {
  if (typeof error !== "object" || error === null) return key === "message" ? String(error) : "";
  const value: unknown = Reflect.get(error, key);
  return typeof value === "string" ? value : "";
}
