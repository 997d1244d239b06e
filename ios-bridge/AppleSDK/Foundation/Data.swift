// Data of Foundation, as `Data` of swift-foundation is, which is Apple's own.

@_exported import Darwin
@_exported import Dispatch

public protocol ContiguousBytes {
  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R
}

public protocol DataProtocol: RandomAccessCollection where Element == UInt8 {}

extension Array: ContiguousBytes where Element == UInt8 {}
extension Array: DataProtocol where Element == UInt8 {}

public struct Data: Hashable, RandomAccessCollection, MutableCollection, RangeReplaceableCollection, Sendable, Codable,
  DataProtocol, ContiguousBytes
{
  public typealias Index = Int
  public typealias Indices = Range<Int>
  public typealias SubSequence = Data

  public enum Deallocator {
    case virtualMemory
    case unmap
    case free
    case none
    case custom((UnsafeMutableRawPointer, Int) -> Void)
  }

  public struct ReadingOptions: OptionSet, Sendable {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
  }

  public struct Base64DecodingOptions: OptionSet, Sendable {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static let ignoreUnknownCharacters = Base64DecodingOptions(rawValue: 1)
  }

  public init() { fatalError() }
  public init(capacity: Int) { fatalError() }
  public init(count: Int) { fatalError() }
  public init(repeating repeatedValue: UInt8, count: Int) { fatalError() }
  public init<S: Sequence>(_ elements: S) where S.Element == UInt8 { fatalError() }
  public init(bytes: UnsafeRawPointer, count: Int) { fatalError() }
  public init<SourceType>(buffer: UnsafeBufferPointer<SourceType>) { fatalError() }
  public init(bytesNoCopy bytes: UnsafeMutableRawPointer, count: Int, deallocator: Deallocator) { fatalError() }
  public init(contentsOf url: __shared URL, options: ReadingOptions = []) throws { fatalError() }
  public init?(base64Encoded base64String: __shared String, options: Base64DecodingOptions = []) { fatalError() }
  public init?(base64Encoded base64Data: __shared Data, options: Base64DecodingOptions = []) { fatalError() }
  public init(from decoder: any Decoder) throws { fatalError() }
  public func encode(to encoder: any Encoder) throws { fatalError() }

  public var startIndex: Int { fatalError() }
  public var endIndex: Int { fatalError() }
  public var indices: Range<Int> { fatalError() }
  public var count: Int { fatalError() }
  public subscript(index: Int) -> UInt8 {
    get { fatalError() }
    set { fatalError() }
  }
  public subscript(bounds: Range<Int>) -> Data {
    get { fatalError() }
    set { fatalError() }
  }
  public func index(before i: Int) -> Int { fatalError() }
  public func index(after i: Int) -> Int { fatalError() }

  public mutating func reserveCapacity(_ minimumCapacity: Int) { fatalError() }
  public mutating func append(_ other: Data) { fatalError() }
  public mutating func append(_ bytes: UnsafePointer<UInt8>, count: Int) { fatalError() }
  public mutating func append<SourceType>(_ buffer: UnsafeBufferPointer<SourceType>) { fatalError() }
  public mutating func append(contentsOf bytes: [UInt8]) { fatalError() }
  public mutating func append<S: Sequence>(contentsOf elements: S) where S.Element == UInt8 { fatalError() }
  public mutating func replaceSubrange(_ subrange: Range<Int>, with data: Data) { fatalError() }
  public mutating func replaceSubrange<ByteCollection: Collection>(
    _ subrange: Range<Int>,
    with newElements: ByteCollection
  ) where ByteCollection.Element == UInt8 { fatalError() }
  public func subdata(in range: Range<Int>) -> Data { fatalError() }
  public func copyBytes(to pointer: UnsafeMutablePointer<UInt8>, count: Int) { fatalError() }

  public func withUnsafeBytes<ResultType>(
    _ body: (UnsafeRawBufferPointer) throws -> ResultType
  ) rethrows -> ResultType { fatalError() }
  public mutating func withUnsafeMutableBytes<ResultType>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> ResultType
  ) rethrows -> ResultType { fatalError() }
}
