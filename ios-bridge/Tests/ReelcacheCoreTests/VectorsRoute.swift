@testable import ReelcacheCore

func vectorsRoute() -> VectorRegistry {
  [
    "route/request-target": [
      "parseTarget": call(parseTarget),
      "targetAuthority": call(targetAuthority),
      "isUpstreamUrl": call(isUpstreamUrl),
      "lowerScheme": call(lowerScheme),
    ],
    "route/own-parameters": [
      "noParameters": call(noParameters),
      "withParameters": call(withParameters),
      "ownQuery": call(ownQuery),
      "withParameter": call(withParameter),
      "parseOwnSegment": call(parseOwnSegment),
      "variablesText": call(variablesText),
      "parseVariables": call(parseVariables),
      "isVariableName": call(isVariableName),
      "isVariableCode": call(isVariableCode),
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

extension JsonKind: JsonConvertible {}

extension OwnParameters: JsonConvertible {
  init(json: Json) throws {
    self.init(as: try json.member("as"), define: try json.member("define"))
  }

  var json: Json { .record(["as": self.as.json, "define": define.json]) }
}

extension Variable: JsonConvertible {
  init(json: Json) throws {
    self.init(name: try json.member("name"), value: try json.member("value"))
  }

  var json: Json { .record(["name": name.json, "value": value.json]) }
}

extension Route: JsonConvertible {
  init(json: Json) throws {
    switch try json.kind() {
    case "resource":
      self = .resource(form: try json.member("form"), url: try json.member("url"), own: try json.member("own"))
    case "local": self = .local(path: try json.member("path"), query: try json.member("query"))
    case "error": self = .error(code: try json.member("code"), detail: try json.member("detail"))
    default: throw JsonError(description: "no Route: \(json)")
    }
  }

  var json: Json {
    switch self {
    case .resource(let form, let url, let own):
      .tagged("resource", ["form": form.json, "url": url.json, "own": own.json])
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
