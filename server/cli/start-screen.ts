/** What the command prints when the server is ready: JSON lines for programs, a laid-out screen for people. */
import { networkInterfaces } from "node:os";
import { formatByteCount } from "../option-text.ts";
import type { Options } from "../options.ts";

/** One presentation to play: `url` at the origin, `proxied` through the server. */
export type Offer = { title: string; url: string; proxied: string };

/**
 * Everything that the screen shows. `listening` is where the server listens, `url` where others reach it.
 * `page` plays the offers in a browser; `notes` are warnings in a sentence each.
 */
export type Screen = {
  version: string;
  listening: string;
  url: string;
  page: string;
  options: Options;
  offers: Offer[];
  notes: string[];
};

/** The first line names the address, so that a program which started the server need read no further. */
export function jsonLines(screen: Screen): string {
  // R-CLI-10
  const lines: object[] = [{ listening: screen.listening }, { page: screen.page }];
  for (const note of screen.notes) {
    lines.push({ note });
  }
  lines.push(...screen.offers);
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/**
 * The screen for a terminal of `columns`; `colour` is false where NO_COLOR or a dumb terminal asks for plain text.
 * The address and the page stand last: a terminal shows the end of what is printed.
 */
export function startScreen(screen: Screen, columns: number, colour: boolean): string {
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const label = (text: string): string => paint(2, text.padEnd(11));
  const { options } = screen;
  const lines = ["", `  ${paint(1, "reelcache")} ${screen.version}`, ""];
  const titleWidth = Math.max(0, ...screen.offers.map((offer) => offer.title.length));
  for (const offer of screen.offers) {
    const beside = 2 + titleWidth + 2 + offer.proxied.length <= columns;
    const title = paint(1, beside ? offer.title.padEnd(titleWidth) : offer.title);
    lines.push(beside ? `  ${title}  ${offer.proxied}` : `  ${title}\n  ${offer.proxied}`);
  }
  lines.push("", `  ${label("Listening")}${paint(36, screen.url)}`);
  lines.push(`  ${label("Watch at")}${paint(36, screen.page)}`);
  lines.push(`  ${label("Cache")}${options.cacheDir}, up to ${formatByteCount(options.maxCacheBytes)}`);
  for (const note of screen.notes) {
    lines.push(`  ${paint(33, "Note".padEnd(11))}${note}`);
  }
  lines.push(`  ${label("Stop")}Ctrl-C`, "");
  return `${lines.join("\n")}\n`;
}

/**
 * The address to print for `url`: a server on every address is reached by an allowed name or by the first address of
 * the machine's own network; `0.0.0.0` itself is no address to type into a phone.
 */
export function reachableUrl(url: string, options: Options): string {
  if (options.host !== "0.0.0.0" && options.host !== "::") {
    return url;
  }
  const port = new URL(url).port || "80";
  const name = options.allowedHosts.find((host) => !host.includes("*"));
  if (name !== undefined) {
    return `http://${/:[0-9]+$/.test(name) ? name : `${name}:${port}`}`;
  }
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const lan = addresses.find((entry) => entry.family === "IPv4" && !entry.internal);
  return `http://${lan?.address ?? "127.0.0.1"}:${port}`;
}
