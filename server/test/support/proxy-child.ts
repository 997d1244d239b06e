/** The proxy in a process of its own, for `forkProxy`: options as JSON in argv, memory reports over the channel. */
import { startServer } from "../../index.ts";

const options: unknown = JSON.parse(process.argv[2] ?? "{}");
const server = await startServer({
  port: 0,
  logLevel: "silent",
  allowPrivate: ["127.0.0.1:*"],
  ...(typeof options === "object" ? options : {}),
});

let peak = process.memoryUsage.rss();
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 20).unref();

process.on("message", () => {
  // Garbage is not growth: what a collection would free does not count as now in use.
  globalThis.gc?.();
  process.send?.({ now: process.memoryUsage.rss(), peak });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port: server.port });
