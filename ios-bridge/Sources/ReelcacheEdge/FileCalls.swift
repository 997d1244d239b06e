/// The file system as the data files see it: a parameter, so that a test can hand in a full or failing disk.
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif
import Dispatch

/// Calls that take a `done` answer on the loop, later; the others at once.
package struct FileCalls {
  package typealias Done = (FileError?) -> Void
  /// A descriptor, or a number of bytes; -1 and 0 when there is an error.
  package typealias DescriptorDone = (FileError?, Int32) -> Void
  package typealias BytesDone = (FileError?, Int) -> Void

  package var open: (_ name: String, _ flags: Int32, _ mode: mode_t, _ done: @escaping DescriptorDone) -> Void
  package var writev: (_ descriptor: Int32, _ buffers: [Data], _ position: Int, _ done: @escaping BytesDone) -> Void
  package var read:
    (_ descriptor: Int32, _ room: UnsafeMutableRawBufferPointer, _ position: Int, _ done: @escaping BytesDone) -> Void
  package var fdatasync: (_ descriptor: Int32, _ done: @escaping Done) -> Void
  package var close: (_ descriptor: Int32, _ done: @escaping Done) -> Void
  package var unlink: (_ name: String, _ done: @escaping Done) -> Void
  /// Creates a folder and those above it; one that is there is no error.
  package var mkdir: (_ name: String, _ mode: mode_t, _ done: @escaping Done) -> Void
  /// Reads without a hop to another thread: for small pieces.
  package var readSync: (_ descriptor: Int32, _ room: UnsafeMutableRawBufferPointer, _ position: Int) throws -> Int
  /// Size of a file in bytes, -1 when it is not there.
  package var sizeSync: (_ name: String) -> Int
  /// Bytes free for this user on the disk that holds `name`.
  package var freeBytesSync: (_ name: String) throws -> Int
  /// A clock that only goes forward, in milliseconds.
  package var nowMs: () -> Int
}

/// The machine's own file system.
///
/// Reads, writes and the rest have lanes of their own: a player's bytes wait neither behind a disk that is slow to
/// take what an origin sends, nor behind a file that is being synchronised or deleted.
package func realFileCalls(_ loop: EventLoop) -> FileCalls {
  let reads = DiskLanes(loop, "reelcache.read", 4, .userInitiated)
  let writes = DiskLanes(loop, "reelcache.write", 2, .userInitiated)
  let upkeep = DiskLanes(loop, "reelcache.upkeep", 1, .utility)
  return FileCalls(
    open: { name, flags, mode, done in
      reads.run({ () throws(FileError) in try openFile(name, flags, mode) }, { done($0, $1 ?? -1) })
    },
    writev: { descriptor, buffers, position, done in
      writes.run({ () throws(FileError) in try writeFile(descriptor, buffers, position) }, { done($0, $1 ?? 0) })
    },
    read: { descriptor, room, position, done in
      reads.run({ () throws(FileError) in try readFile(descriptor, room, position) }, { done($0, $1 ?? 0) })
    },
    fdatasync: { descriptor, done in
      upkeep.run({ () throws(FileError) in try syncFile(descriptor) }, { error, _ in done(error) })
    },
    close: { descriptor, done in
      writes.run({ () throws(FileError) in try closeFile(descriptor) }, { error, _ in done(error) })
    },
    unlink: { name, done in
      upkeep.run({ () throws(FileError) in try unlinkFile(name) }, { error, _ in done(error) })
    },
    mkdir: { name, mode, done in
      writes.run({ () throws(FileError) in try makeFolders(name, mode) }, { error, _ in done(error) })
    },
    readSync: { descriptor, room, position in try readFile(descriptor, room, position) },
    sizeSync: { name in fileSize(name) },
    freeBytesSync: { name in try freeBytes(name) },
    nowMs: { Int(DispatchTime.now().uptimeNanoseconds / 1_000_000) }
  )
}
