/**
 * Delivery directives: the query parameters by which a low-latency player asks for a media playlist as it will be
 * (rfc8216bis section 6.2.5). Such a request is a *directed reload*: its origin holds it until it has what was asked
 * for, and may answer with the changes alone.
 */
import { parameterName, parseUri } from "../http/uri-reference.ts";

/** The directives that change what the answer is; other parameters in `_HLS_` only tell the origin something. */
const directiveNames: string[] = ["_HLS_msn", "_HLS_part", "_HLS_skip"];

/** Whether a query parameter's decoded name is that of a delivery directive. */
export function isDirectiveName(name: string): boolean {
  return directiveNames.includes(name);
}

/** Whether a request for this URL is a directed reload. */
export function isDirectedUrl(url: string): boolean {
  const query = parseUri(url).query;
  // R-LL-1
  return query?.split("&").some((parameter) => isDirectiveName(parameterName(parameter))) ?? false;
}
