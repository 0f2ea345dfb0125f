// The octets of a capture file: plain, gzip or zstd, from a file or a pipe.
//
// What:   `read` fills the caller's buffer with the next (uncompressed) octets. The compression is told by the first
//         octets, not by the name; members and frames that follow each other are one stream.
// Why:    a plain file is read straight into the caller's buffer; that is the fastest way (no copy of our own).
// Limits: 64 KiB of compressed input are held; a zstd window of more than 128 MiB is refused. After damage `read` gives
//         what came before it, then `damage` for ever.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dataplane/bytes/bytes.h"
#include "dataplane/source/interrupter.h"

namespace spanbeat {

// What one turn of a decompressor did.
struct Inflated {
  std::size_t consumed = 0;
  std::size_t produced = 0;
  bool member_end = false;  // a member or frame is whole
  std::string damage;       // not empty: what came before is good, nothing comes after
};

class Decompressor {
 public:
  virtual ~Decompressor() = default;
  virtual Inflated run(Bytes in, std::uint8_t* out, std::size_t room) = 0;
  // Makes ready for the first octet of a member.
  virtual void reset() = 0;
};

std::unique_ptr<Decompressor> make_gzip_decompressor();
std::unique_ptr<Decompressor> make_zstd_decompressor();

class ByteReader {
 public:
  enum class Outcome : std::uint8_t {
    octets,  // `count` octets were read
    again,   // a pipe has nothing now
    end,
    damage,  // see damage()
  };
  struct Read {
    Outcome outcome = Outcome::end;
    std::size_t count = 0;
  };

  // "-" is standard input. Not ok: "PATH: No such file or directory". `interrupter` outlives the reader.
  static absl::StatusOr<std::unique_ptr<ByteReader>> open(const std::string& path, const Interrupter& interrupter);
  ~ByteReader();
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  // Reads at most `room` octets. Waits for a pipe at most kLongestWait.
  Read read(std::uint8_t* to, std::size_t room);
  // False for a pipe, which can be read only once and may have nothing yet.
  [[nodiscard]] bool regular() const { return regular_; }
  // Goes back to the first octet; only for regular files.
  bool rewind();
  [[nodiscard]] const std::string& damage() const { return damage_; }

 private:
  ByteReader(int file, bool owned, bool regular, std::int64_t start, const Interrupter& interrupter);
  // One system call, straight to `to`.
  Read read_file(std::uint8_t* to, std::size_t room);
  // Reads into input_ behind what is there.
  Outcome read_input();
  Outcome recognise();
  Read read_compressed(std::uint8_t* to, std::size_t room);
  Read fail(std::string what);
  // Between members: true when another one begins, after zeros that pad a gzip file.
  bool next_member();

  int file_;
  bool owned_;
  bool regular_;
  std::int64_t start_;  // offset of the first octet: standard input may have been read before
  const Interrupter& interrupter_;
  bool recognised_ = false;
  bool between_members_ = false;
  bool gzip_ = false;
  std::unique_ptr<Decompressor> decompressor_;  // null: plain
  std::vector<std::uint8_t> input_;             // read from the file and not yet used: [input_at_, input_end_)
  std::size_t input_at_ = 0;
  std::size_t input_end_ = 0;
  std::string damage_;
};

}  // namespace spanbeat
