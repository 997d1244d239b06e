// Paths, files and their attributes in Foundation.

public struct URLResourceValues: Sendable {
  public init() { fatalError() }
  public var isExcludedFromBackup: Bool? {
    get { fatalError() }
    set { fatalError() }
  }
}

public struct URL: Hashable, Sendable {
  public init?(string: __shared String) { fatalError() }
  public init(fileURLWithPath path: __shared String) { fatalError() }
  public init(fileURLWithPath path: __shared String, isDirectory: Bool) { fatalError() }
  public var absoluteString: String { fatalError() }
  public var path: String { fatalError() }
  public mutating func setResourceValues(_ values: URLResourceValues) throws { fatalError() }
}

public struct FileAttributeKey: Hashable, RawRepresentable, Sendable {
  public let rawValue: String
  public init(rawValue: String) { fatalError() }
  public static let protectionKey = FileAttributeKey(rawValue: "")
}

public struct FileProtectionType: Hashable, RawRepresentable, Sendable {
  public let rawValue: String
  public init(rawValue: String) { fatalError() }
  public static let none = FileProtectionType(rawValue: "")
  public static let complete = FileProtectionType(rawValue: "")
  public static let completeUnlessOpen = FileProtectionType(rawValue: "")
  public static let completeUntilFirstUserAuthentication = FileProtectionType(rawValue: "")
}

open class FileManager: @unchecked Sendable {
  public enum SearchPathDirectory: UInt, Sendable {
    case cachesDirectory = 13
  }

  public struct SearchPathDomainMask: OptionSet, Sendable {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static let userDomainMask = SearchPathDomainMask(rawValue: 1)
  }

  init() {}
  open class var `default`: FileManager { fatalError() }
  @available(macOS 10.12, iOS 10.0, tvOS 10.0, watchOS 3.0, *)
  open var temporaryDirectory: URL { fatalError() }
  open func urls(for directory: SearchPathDirectory, in domainMask: SearchPathDomainMask) -> [URL] { fatalError() }
  open func fileExists(atPath path: String) -> Bool { fatalError() }
  open func contentsOfDirectory(atPath path: String) throws -> [String] { fatalError() }
  open func copyItem(atPath srcPath: String, toPath dstPath: String) throws { fatalError() }
  open func moveItem(atPath srcPath: String, toPath dstPath: String) throws { fatalError() }
  open func removeItem(atPath path: String) throws { fatalError() }
  open func createDirectory(
    atPath path: String,
    withIntermediateDirectories createIntermediates: Bool,
    attributes: [FileAttributeKey: Any]? = nil
  ) throws { fatalError() }
  open func setAttributes(_ attributes: [FileAttributeKey: Any], ofItemAtPath path: String) throws { fatalError() }
}

public func NSTemporaryDirectory() -> String { fatalError() }
