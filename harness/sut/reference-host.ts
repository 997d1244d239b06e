/** A process that holds one reference server at a time and starts, clears and stops it on request (see reference.ts). */
import { join } from "node:path";
import { pathToFileURL } from "node:url";

type Server = { port: number; clearCache: () => Promise<void>; stop: () => Promise<void> };
type Ask = { do: "start"; options: Record<string, unknown> } | { do: "clear" } | { do: "stop" };

const folder = process.argv[2] ?? "";
const { startServer } = (await import(pathToFileURL(join(folder, "index.ts")).href)) as {
  startServer: (options: Record<string, unknown>) => Promise<Server>;
};
let server: Server | null = null;

process.on("message", (ask: Ask) => {
  answer(ask).then(
    (port) => process.send?.({ port }),
    (error: unknown) => process.send?.({ failed: error instanceof Error ? error.message : String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));

async function answer(ask: Ask): Promise<number> {
  if (ask.do === "start") server = await startServer(ask.options);
  else if (ask.do === "clear") await server?.clearCache();
  else await server?.stop();
  return server?.port ?? 0;
}
