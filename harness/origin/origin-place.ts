/** Where a scripted origin listens, and whom it serves. */
import { networkInterfaces } from "node:os";

export type OriginPlace = {
  /** An IPv4 address of this machine; origins are named by it. */
  host: string;
  /** Whether a connection from this address is served; others are cut. */
  admits: (address: string) => boolean;
};

/** Loopback: for targets on this machine. */
export const loopbackPlace: OriginPlace = { host: "127.0.0.1", admits: () => true };

/** Another address of this machine, for targets on this machine. */
export function ownPlace(host: string): OriginPlace {
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((one) => one.address));
  return { host, admits: (address) => address.startsWith("127.") || own.includes(address) };
}

/** True for an IPv4 address that names one place: not the one that stands for all of them. */
export function isPlaceName(text: string): boolean {
  const parts = text.split(".");
  return (
    parts.length === 4 &&
    parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256) &&
    parts[0] !== "0"
  );
}
