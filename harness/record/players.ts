/**
 * The players that can be recorded, each a program of this machine. Only recording needs them: a replay needs the
 * recordings alone. `manual` is any player elsewhere: the address is printed, and Enter ends the recording.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Engine } from "../../server/test/support/browser.ts";
import { runPlayer } from "./player-process.ts";

export type Player = {
  /** Debian package that brings it. */
  needs: string;
  /** Name and version. */
  version: () => Promise<string>;
  /** Plays to the end. Rejects when it does not. */
  play: (url: string) => Promise<void>;
};

const webkitPath = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

export const players: Record<string, Player> = {
  ffmpeg: {
    needs: "ffmpeg",
    version: () => versionOf("ffmpeg", ["-version"], /version (\S+)/, "ffmpeg"),
    play: async (url) => {
      const help = await runPlayer("ffmpeg", ["-hide_banner", "-h", "demuxer=hls"]);
      const isHls = url.includes(".m3u8");
      // Newer ones ask for it before they take a URL whose path has no extension.
      const known = ["-allowed_extensions ALL", "-allowed_segment_extensions ALL", "-extension_picky 0"];
      const options = known.filter((option) => isHls && help.includes(`${option.split(" ")[0]} `));
      const input = ["-nostdin", "-loglevel", "error", ...options.flatMap((option) => option.split(" ")), "-i", url];
      await runPlayer("ffmpeg", [...input, "-map", "0", "-c", "copy", "-f", "null", "-"]);
    },
  },
  gstreamer: {
    needs: "gstreamer1.0-tools, gstreamer1.0-plugins-good, -bad and gstreamer1.0-libav",
    version: () => versionOf("gst-launch-1.0", ["--version"], /GStreamer (\S+)/, "GStreamer"),
    play: async (url) => {
      const sinks = ["video-sink=fakesink sync=true", "audio-sink=fakesink sync=true"];
      await runPlayer("gst-launch-1.0", ["-q", "playbin", `uri=${url}`, ...sinks]);
    },
  },
  mpv: {
    needs: "mpv",
    version: () => versionOf("mpv", ["--version"], /mpv (\S+)/, "mpv"),
    play: async (url) => {
      await runPlayer("mpv", ["--no-config", "--vo=null", "--ao=null", "--really-quiet", url]);
    },
  },
  vlc: {
    needs: "vlc-bin and vlc-plugin-base",
    version: async () => `VLC ${/VLC (?:media player |version )?(\d\S*)/.exec(await vlc(["--version"]))?.[1] ?? ""}`,
    play: async (url) => {
      await vlc(["--intf", "dummy", "--vout", "dummy", "--aout", "dummy", "--play-and-exit", url]);
    },
  },
  "hls.js": {
    needs: "chromium",
    version: async () => `hls.js ${hlsVersion()} in ${await chromiumVersion()}`,
    play: (url) => playInChromium("hls.js", url),
  },
  chromium: {
    needs: "chromium",
    version: chromiumVersion,
    play: (url) => playInChromium("native", url),
  },
  webkitgtk: {
    needs: "webkit2gtk-driver, xvfb and gstreamer's plugins",
    version: () => versionOf("dpkg-query", ["-W", "libwebkit2gtk-4.1-0"], /\t(\d[\d.]*)/, "WebKitGTK"),
    play: playInWebkit,
  },
  manual: {
    needs: "a person",
    version: async () => "manual 0",
    play: async (url) => {
      process.stdout.write(`Play ${url}, then press Enter\n`);
      const lines = createInterface({ input: process.stdin });
      await new Promise<void>((resolve) => lines.once("line", () => resolve()));
      lines.close();
    },
  },
};

async function versionOf(file: string, args: string[], pattern: RegExp, name: string): Promise<string> {
  return `${name} ${pattern.exec(await runPlayer(file, args))?.[1] ?? "unknown"}`;
}

/** VLC refuses to be root. */
function vlc(args: string[]): Promise<string> {
  const isRoot = process.getuid?.() === 0;
  return isRoot ? runPlayer("runuser", ["-u", "nobody", "--", "cvlc", ...args]) : runPlayer("cvlc", args);
}

function hlsVersion(): string {
  const text = readFileSync(fileURLToPath(import.meta.resolve("hls.js/package.json")), "utf8");
  const { version }: { version: string } = JSON.parse(text);
  return version;
}

async function chromiumVersion(): Promise<string> {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const version = browser.version();
  await browser.close();
  return `Chromium ${version}`;
}

async function playInChromium(engine: Engine, url: string): Promise<void> {
  // Brought in here, since a replay needs no browser.
  const { startPlayerPage } = await import("../../server/test/support/browser.ts");
  const page = await startPlayerPage();
  try {
    const [played] = await page.play(engine, [{ name: "recorded", url }]);
    if (played?.end !== "ended") throw new Error(`${engine}: ${played?.end}`);
  } finally {
    await page.close();
  }
}

/** A page with a video element on a virtual screen; it tells when the film is over. */
async function playInWebkit(url: string): Promise<void> {
  const html = `<!doctype html><video muted autoplay src="${url.replaceAll("&", "&amp;")}"></video><script>
    const video = document.querySelector("video");
    video.onended = () => fetch("/ended");
    video.onerror = () => fetch("/failed?" + encodeURIComponent(video.error.message));
  </script>`;
  const over = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    if (request.url !== "/" && request.url !== "/favicon.ico") over.resolve(request.url ?? "");
    response.setHeader("Content-Type", "text/html").end(request.url === "/" ? html : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address === null || typeof address === "string" ? 0 : address.port;
  const leave = new AbortController();
  const args = ["-a", webkitPath, `http://127.0.0.1:${port}/`];
  const running = runPlayer("xvfb-run", args, leave.signal);
  const end = await Promise.race([over.promise, running]);
  leave.abort();
  await running;
  server.closeAllConnections();
  server.close();
  if (end !== "/ended") throw new Error(`WebKitGTK: ${decodeURIComponent(end)}`);
}
