/** What can be missing between the harness and a phone: the closed table of problems, each with what to do about it. */
import { TargetError } from "../sut/target.ts";

/** What to do, by problem. The message of a problem says what is the case, this what helps. */
export const remedies = {
  "no-usbmuxd":
    "Debian and Ubuntu: apt-get install -y usbmuxd, then plug the phone in again, which starts it. A Mac has it; " +
    "Windows gets it with Apple Devices. USBMUXD_SOCKET_ADDRESS names another address.",
  "usbmuxd-forbidden": "Run as a user who may open it, or as root.",
  "no-device": "Connect it with a cable that carries data, unlock it, and tap Trust when it asks.",
  "several-devices": "Say which one: --target device:UDID.",
  "unknown-device": "Check the UDID, the cable, and that the phone is unlocked.",
  "not-trusted": "Unlock the phone, pull the cable and plug it in again, tap Trust, and enter the passcode.",
  locked: "Unlock the phone, open Reelcache Host, and leave it in front: it keeps the screen on.",
  "no-app": "Open Reelcache Host on the phone and tap Start. docs/ios.md says how it is built and installed.",
  "silent-app": "Bring Reelcache Host to the front: iOS stops apps in the background.",
  "not-the-app": "Stop the app that has the port, or name another port: --target device:HOST:PORT.",
  "wrong-version": "Build the app from this checkout and install it again: docs/ios.md.",
  "wrong-code": "Set REELCACHE_DEVICE_CODE to the code that the app shows; it changes with every start.",
  "unreachable-device":
    "Phone and computer must be in one network that lets its members reach each other (guest networks often do not), " +
    "the app must be in front with “Also over the network” on, and its address is the one that it shows.",
  "no-address": "Join the phone's Wi-Fi, or name an address of this machine: --origin-host ADDRESS.",
  "not-own-address": "--origin-host must be an IPv4 address of this machine.",
  "origin-blocked":
    "A firewall of this machine or of the network drops it: let TCP connections from the phone in (macOS: System " +
    "Settings, Network, Firewall, allow node; Linux: for example `nft add rule inet filter input ip saddr PHONE accept`). " +
    "Guest networks often keep their members apart: use another one.",
  "origin-unreachable": "Put the phone's Wi-Fi on and into this machine's network, then try again.",
  "local-network-denied":
    "On the phone: Settings, Privacy & Security, Local Network, switch Reelcache Host on; then start the app anew. When " +
    "the app is not in that list, delete and install it again, and answer its question with Allow.",
  "origin-intercepted": "Something between phone and computer answers in its place: leave that proxy or VPN.",
} as const;

export type DeviceProblem = keyof typeof remedies;

/** A device cannot be used. The message says why and what to do. */
export class DeviceError extends TargetError {
  readonly problem: DeviceProblem;
  /** What is the case, without the remedy. */
  readonly says: string;

  constructor(problem: DeviceProblem, says: string) {
    super(`device: ${says}\n  ${remedies[problem]}`);
    this.problem = problem;
    this.says = says;
  }
}
