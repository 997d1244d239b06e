/** How an upstream URL is written as a request target, proxy by proxy. */

/** `query` and `path` are this project's forms; a template holds {url}, {url%}, {scheme}, {authority} and {rest}. */
export type Mapping = (upstreamUrl: string, form: "query" | "path") => string;

/** The mapping for `--mapping`; null takes each case's own form. `prefix` is "" or "/~secret". */
export function mappingOf(written: string | null, prefix: string): Mapping {
  if (written === null) return (url, form) => prefix + (form === "path" ? pathForm(url) : queryForm(url));
  if (written === "query") return (url) => prefix + queryForm(url);
  if (written === "path") return (url) => prefix + pathForm(url);
  return (url) => fill(written, url);
}

function queryForm(url: string): string {
  return `/proxy?url=${escapeBytes(url)}`;
}

function pathForm(url: string): string {
  const { scheme, authority, rest } = parts(url);
  return `/${scheme}/${authority}${rest}`;
}

function fill(template: string, url: string): string {
  const { scheme, authority, rest } = parts(url);
  return template
    .replaceAll("{url%}", escapeBytes(url))
    .replaceAll("{url}", url)
    .replaceAll("{scheme}", scheme)
    .replaceAll("{authority}", authority)
    .replaceAll("{rest}", rest);
}

function parts(url: string): { scheme: string; authority: string; rest: string } {
  const [, scheme = "", authority = "", rest = ""] = /^([a-z]+):\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  return { scheme, authority, rest: rest.startsWith("/") ? rest : `/${rest}` };
}

/** As encodeURIComponent, on bytes (one char is one byte). */
function escapeBytes(bytes: string): string {
  return bytes.replaceAll(/[^A-Za-z0-9\-_.!~*'()]/g, (byte) => {
    return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  });
}
