@testable import ReelcacheCore

func vectorsRoute() -> VectorRegistry {
  [
    "route/request-target": [
      "parseTarget": call(parseTarget),
      "targetAuthority": call(targetAuthority),
      "isUpstreamUrl": call(isUpstreamUrl),
      "lowerScheme": call(lowerScheme),
    ],
    "route/proxied-url": [
      "proxiedUrl": call(proxiedUrl),
      "proxiedUpstreamUrl": call(proxiedUpstreamUrl),
      "queryFormStart": call(queryFormStart),
      "proxyPrefix": call(proxyPrefix),
      "renditionReportUrl": call(renditionReportUrl),
    ],
    "route/ip-address": [
      "parseIp": call(parseIp),
      "sameIp": call(sameIp),
      "ipHasPrefix": call(ipHasPrefix),
    ],
    "route/host-check": [
      "hostAllowed": call(hostAllowed),
      "splitHostPort": call(splitHostPort),
      "sameHost": call(sameHost),
    ],
    "route/upstream-access": [
      "addressClass": call(addressClass),
      "hostPatternMatches": call(hostPatternMatches),
      "upstreamUrlAllowed": call(upstreamUrlAllowed),
      "upstreamAddressAllowed": call(upstreamAddressAllowed),
    ],
  ]
}

extension UrlForm: JsonConvertible {}
extension HostVerdict: JsonConvertible {}
extension AddressClass: JsonConvertible {}

extension Route: JsonConvertible {
  init(json: Json) throws {
    switch try json.kind() {
    case "resource": self = .resource(form: try json.member("form"), url: try json.member("url"))
    case "local": self = .local(path: try json.member("path"), query: try json.member("query"))
    case "error": self = .error(code: try json.member("code"), detail: try json.member("detail"))
    default: throw JsonError(description: "no Route: \(json)")
    }
  }

  var json: Json {
    switch self {
    case .resource(let form, let url): .tagged("resource", ["form": form.json, "url": url.json])
    case .local(let path, let query): .tagged("local", ["path": path.json, "query": query.json])
    case .error(let code, let detail): .tagged("error", ["code": code.json, "detail": detail.json])
    }
  }
}

extension HostPort: JsonConvertible {
  init(json: Json) throws {
    self.init(host: try json.member("host"), port: try json.member("port"))
  }

  var json: Json { .record(["host": host.json, "port": port.json]) }
}
