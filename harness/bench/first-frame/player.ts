/** Headless Chromium as the player of `first-frame`: a fresh context for each play, so that its own cache has no part. */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { StartFailure } from "../processes.ts";

export const engines = ["hls.js", "native"] as const;
export type Engine = (typeof engines)[number];

/** How one play went. */
export type Played = {
  /** What kept it from its end, in words; null when nothing did. */
  fault: string | null;
  /** From loading the source to the first frame that was presented; null when there was none. */
  firstFrameMs: number | null;
  /** How often the playback stopped for want of data after it had begun. */
  rebuffers: number;
  stalledMs: number;
  seenSeconds: number;
};

export type Player = {
  /** Plays so many seconds from the beginning. `over` runs at the end of the play, before the page goes away. */
  play: (engine: Engine, url: string, seconds: number, over: () => Promise<void>) => Promise<Played>;
  stop: () => Promise<void>;
};

const chromiumFile = "/usr/bin/chromium";

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

/** Longest that a play may take beside the seconds that it shows, in milliseconds. */
const patienceMs = 90_000;

const pageHtml =
  "<!doctype html><meta charset=utf-8><title>first frame</title><script src=/hls.js></script><script src=/page.js></script>";

/** Why there is no Chromium, with what to install; null when there is. */
export function missingChromium(): string | null {
  return existsSync(chromiumFile) ? null : "chromium is missing (Debian: apt-get install chromium)";
}

/** Starts Chromium and the page's own small server. */
export async function startPlayer(): Promise<Player> {
  const pages: Record<string, { type: string; body: string | Buffer }> = {
    "/": { type: "text/html", body: pageHtml },
    "/hls.js": { type: "text/javascript", body: readFileSync(pathOf(import.meta.resolve("hls.js/dist/hls.min.js"))) },
    "/page.js": { type: "text/javascript", body: readFileSync(pathOf(new URL("page.js", import.meta.url))) },
  };
  const server = createServer((request, response) => {
    const page = pages[request.url ?? ""];
    if (page === undefined) response.writeHead(404).end();
    else response.setHeader("Content-Type", page.type).end(page.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new StartFailure("the page's server has no port");
  // Only here: every other command of the harness begins without it.
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: chromiumFile, args: flags });
  return {
    play: async (engine, url, seconds, over) => {
      const context = await browser.newContext();
      try {
        const page = await context.newPage();
        await page.goto(`http://127.0.0.1:${address.port}/`);
        const item = { url, engine, seconds, patienceMs: patienceMs + seconds * 1_000 };
        const played = await page.evaluate<Played>(`playFirstFrame(${JSON.stringify(item)})`);
        await over();
        return played;
      } finally {
        await context.close();
      }
    },
    stop: async () => {
      await browser.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pathOf(url: string | URL): string {
  return fileURLToPath(url);
}
