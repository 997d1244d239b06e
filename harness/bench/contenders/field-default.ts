/** What apps of this field use today, as a process of its own; see field-default-server.ts. */
import { fileURLToPath } from "node:url";
import type { Contender } from "../bench-types.ts";
import { freePort, listening, startProcess } from "../processes.ts";

const server = fileURLToPath(new URL("field-default-server.ts", import.meta.url));

export const fieldDefault: Contender = {
  name: "field-default",
  title: "the field's default: streams of 64 KB, a connection a request, one Node process",
  kind: "cache",
  missing: () => null,
  start: async (place) => {
    const port = await freePort();
    const started = startProcess(process.execPath, [server, String(port), place.folder, String(place.originPort)]);
    await listening(started, port);
    return {
      port,
      pid: started.pid,
      targetOf: (path) => `/proxy?url=${encodeURIComponent(`http://127.0.0.1:${place.originPort}${path}`)}`,
      stop: started.stop,
    };
  },
};
