/**
 * Placeholders of case texts. Ports are never known beforehand, so a case writes `{origin}` (http://127.0.0.1:port),
 * `{other}`, `{target}`, `{origin-host}`, `{other-host}`, `{origin-port}`, `{host}` (the target's host and port), `{port}` (its port),
 * `{query:/path}` and `{path:/path}` (the request target for an upstream path, as the target's mapping writes it).
 */

/** The addresses of one run of a case. */
export type Addresses = {
  /** `http://host:port` */
  targetUrl: string;
  originUrl: string;
  otherUrl: string;
  /** The request target for an upstream URL. */
  map: (upstreamUrl: string, form: "query" | "path") => string;
};

/** The text with everything put in. */
export function expand(text: string, addresses: Addresses): string {
  return expandOrigins(text, addresses.originUrl, addresses.otherUrl)
    .replaceAll("{target}", addresses.targetUrl)
    .replaceAll("{host}", hostOf(addresses.targetUrl))
    .replaceAll("{port}", portOf(addresses.targetUrl))
    .replaceAll(/\{(query|path):([^}]*)\}/g, (_whole, form: string, path: string) =>
      addresses.map(upstreamUrl(path, addresses), form === "path" ? "path" : "query"),
    );
}

/** As `expand`, where the target's address is not known yet: options, bodies. */
export function expandOrigins(text: string, originUrl: string, otherUrl: string): string {
  return text
    .replaceAll("{origin}", originUrl)
    .replaceAll("{other}", otherUrl)
    .replaceAll("{origin-host}", hostOf(originUrl))
    .replaceAll("{origin-port}", portOf(originUrl))
    .replaceAll("{other-host}", hostOf(otherUrl));
}

/** The upstream URL of a step's `path`: below the origin unless it says `{other}/…` or is a URL already. */
export function upstreamUrl(path: string, addresses: Pick<Addresses, "originUrl" | "otherUrl">): string {
  return path.startsWith("/")
    ? addresses.originUrl + path
    : expandOrigins(path, addresses.originUrl, addresses.otherUrl);
}

export function hostOf(url: string): string {
  return url.slice(url.indexOf("//") + 2);
}

/** The port of a URL without a path, "" when it names none. */
export function portOf(url: string): string {
  return /:(\d+)$/.exec(url)?.[1] ?? "";
}
