/** The page that plays the sets through the proxy. Everything it needs is served from here: no request leaves. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { DemoSet } from "./demo-sets.ts";

/** One resource of the page. */
export type DemoPage = { contentType: string; body: Buffer };

/** Paths of the page's resources below the proxy. */
export const demoPagePaths = ["/demo/", "/demo/player.js", "/demo/player.css", "/demo/hls.js"];

/**
 * The resource at `path` (one of `demoPagePaths`), null for any other. `proxiedUrls` are the sets' URLs through the
 * proxy, in the order of `sets`. Throws when a file is missing: the installation is broken.
 */
export function demoPage(path: string, sets: DemoSet[], proxiedUrls: string[]): DemoPage | null {
  if (path === "/demo/player.js") return { contentType: "text/javascript; charset=utf-8", body: ownFile("player.js") };
  if (path === "/demo/player.css") return { contentType: "text/css; charset=utf-8", body: ownFile("player.css") };
  if (path === "/demo/hls.js") return { contentType: "text/javascript; charset=utf-8", body: hlsJs() };
  if (path !== "/demo/") return null;
  const items = sets.map(({ name, title, note, kind }, index) => ({
    name,
    title,
    note,
    kind,
    url: proxiedUrls[index],
  }));
  // A "<" in JSON could end the script element; its escape means the same.
  const json = JSON.stringify(items).replaceAll("<", "\\u003c");
  const [before = "", after = ""] = ownFile("player.html").toString("utf8").split(emptyList);
  return { contentType: "text/html; charset=utf-8", body: Buffer.from(before + json + after, "utf8") };
}

/** What stands in player.html where the list belongs. */
const emptyList = "[]";

function ownFile(name: string): Buffer {
  return readFileSync(new URL(name, import.meta.url));
}

function hlsJs(): Buffer {
  return readFileSync(fileURLToPath(import.meta.resolve("hls.js/dist/hls.min.js")));
}
