/** The part of autocannon that is used here; it comes without types. */
declare module "autocannon" {
  import type { EventEmitter } from "node:events";

  type Request = { method?: string; path?: string; headers?: Record<string, string> };
  type Requests = (Request & { setupRequest?: (request: Request) => Request })[];
  type Client = { setRequests: (requests: Requests) => void };
  type Options = {
    url: string;
    connections: number;
    duration: number;
    timeout: number;
    connectionRate?: number;
    requests: Requests;
    setupClient: (client: Client) => void;
  };
  type Result = { duration: number; errors: number; timeouts: number };
  type Instance = EventEmitter & { stop: () => void };

  function autocannon(options: Options, done: (error: Error | null, result: Result) => void): Instance;
  export = autocannon;
}
