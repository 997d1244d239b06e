// What the bridge uses of Compression, as its header in the SDK declares it; `process` takes flags as an int.
typedef unsigned char uint8_t;
typedef unsigned long size_t;

typedef enum {
  COMPRESSION_LZ4 = 0x100,
  COMPRESSION_ZLIB = 0x205,
  COMPRESSION_LZMA = 0x306,
  COMPRESSION_LZFSE = 0x801,
  COMPRESSION_BROTLI __attribute__((availability(macos, introduced=12.0), availability(ios, introduced=15.0))) = 0xB02,
} compression_algorithm;

typedef struct {
  uint8_t *_Nonnull dst_ptr;
  size_t dst_size;
  const uint8_t *_Nonnull src_ptr;
  size_t src_size;
  void *_Nullable state;
} compression_stream;

typedef enum {
  COMPRESSION_STREAM_ENCODE = 0,
  COMPRESSION_STREAM_DECODE = 1,
} compression_stream_operation;

typedef enum {
  COMPRESSION_STREAM_FINALIZE = 0x0001,
} compression_stream_flags;

typedef enum {
  COMPRESSION_STATUS_OK = 0,
  COMPRESSION_STATUS_ERROR = -1,
  COMPRESSION_STATUS_END = 1,
} compression_status;

compression_status compression_stream_init(compression_stream *_Nonnull stream, compression_stream_operation operation,
                                           compression_algorithm algorithm);
compression_status compression_stream_process(compression_stream *_Nonnull stream, int flags);
compression_status compression_stream_destroy(compression_stream *_Nonnull stream);
