/**
 * Ports of the loopback that mean nothing in a case become 8080, also inside proxied URLs (a Referer): any other number
 * could be the port of an origin in some later run, and would then be masked there and nowhere else.
 */
export function neutralPorts(text: string): string {
  return text
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "http://127.0.0.1:8080")
    .replaceAll(/http%3A%2F%2F127\.0\.0\.1%3A\d+/gi, "http%3A%2F%2F127.0.0.1%3A8080");
}
