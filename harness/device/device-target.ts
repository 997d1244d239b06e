/**
 * A phone as a target. Each start is a conversation of its own with the app, which starts a proxy with a new cache folder
 * on the phone's loopback; players' connections are carried there as they are.
 */
import type { OriginPlace } from "../origin/origin-place.ts";
import { CannotError, type Target, TargetError } from "../sut/target.ts";
import type { ControlClient } from "./control-client.ts";
import type { DeviceAddress } from "./device-address.ts";
import { lessProved } from "./less-proved.ts";
import { findOriginPlace, ownAddresses } from "./origin-place.ts";
import { findPhone, type Phone, type Surroundings } from "./phone.ts";

/** `originHost` is the address of this machine that the phone is to use; null lets the phone find one. */
export function deviceTarget(
  name: string,
  address: DeviceAddress,
  around: Surroundings,
  originHost: string | null,
): Target {
  let found: Promise<Phone> | null = null;
  let place: Promise<OriginPlace> | null = null;
  const phone = (): Promise<Phone> => {
    found ??= findPhone(address, around);
    return found;
  };
  return {
    name,
    originPlace: () => {
      place ??= phone().then((one) => placeFor(one, originHost === null ? ownAddresses() : [originHost]));
      return place;
    },
    start: async (options) => {
      const one = await phone();
      const { client } = await one.control();
      try {
        const url = await listening(client, { do: "start", options: { logLevel: "silent", ...options } });
        return {
          url,
          dial: () => one.dial(Number(new URL(url).port)),
          clear: async () => void (await client.ask({ do: "clear" })),
          restart: async (kill) => {
            const again = await listening(client, { do: "restart", kill });
            if (again !== url) throw new TargetError(`${name} came back as ${again} instead of ${url}`);
          },
          stop: async () => {
            try {
              await client.ask({ do: "stop" });
            } finally {
              client.close();
            }
          },
        };
      } catch (error) {
        client.close();
        throw error;
      }
    },
    lessProved: (one) => lessProved(one, address.by === "usb"),
    end: async () => undefined,
  };
}

async function placeFor(phone: Phone, addresses: string[]): Promise<OriginPlace> {
  const { client } = await phone.control();
  try {
    return await findOriginPlace(client, addresses);
  } finally {
    client.close();
  }
}

async function listening(client: ControlClient, command: Parameters<ControlClient["ask"]>[0]): Promise<string> {
  const { listening: url = "" } = await client.ask(command);
  if (!/^http:\/\/127\.0\.0\.1:\d+$/.test(url)) throw new CannotError(`listens on ${JSON.stringify(url)}`);
  return url;
}
