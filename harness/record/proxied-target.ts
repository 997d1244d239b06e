/** Which upstream URL a request target of the proxy means, read apart from the server's own parser. */

/** `rest` are the query parameters that the player added, with their "&", in query form. */
export type ProxiedTarget = { url: string; form: "query" | "path"; rest: string };

/** Null when the target is no proxied URL. An absolute-form target is none. */
export function readProxied(target: string): ProxiedTarget | null {
  const query = /^\/proxy\?url=([^&#]*)((?:&[^#]*)?)$/.exec(target);
  if (query !== null) {
    try {
      return { url: decodeURIComponent(query[1] ?? ""), form: "query", rest: query[2] ?? "" };
    } catch {
      return null;
    }
  }
  const path = /^\/(https?)\/([^/?#]+)([/?][^#]*)?$/.exec(target);
  return path === null ? null : { url: `${path[1]}://${path[2]}${path[3] ?? "/"}`, form: "path", rest: "" };
}

/** The target of an upstream URL, in the reference server's own forms. */
export function proxiedTarget(url: string, form: "query" | "path"): string {
  return form === "query" ? `/proxy?url=${encodeURIComponent(url)}` : `/${url.replace("://", "/")}`;
}
