// One capture file, from its octets to packets.
//
// What:   reads a buffer full at a time, tells the format by its first octets, and lets the format's parser give views
// into
//         the buffer. The unfinished record at the end is moved before the place where the next read lands.
// Why:    every read has the same size, goes to the same aligned place and stays within the L2 cache; a packet costs
// the
//         parser's few instructions and no call.
// Limits: what take() gave is valid until the next fill(). The buffer is 768 KiB of address space; of it 256 KiB are
//         used unless a record is longer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "dataplane/source/byte_reader.h"
#include "dataplane/source/pcap_format.h"
#include "dataplane/source/pcapng_format.h"

namespace spanbeat {

class CaptureReader {
 public:
  enum class Fill : std::uint8_t {
    more,   // there are more octets; a packet perhaps
    again,  // a pipe has nothing now
    end,    // of the file, clean or damaged
  };

  // One system call's worth: large enough that the call costs nothing, small enough to stay in L2.
  static constexpr std::size_t kMostRead = std::size_t{256} << 10;
  static constexpr std::size_t kLeastRead = std::size_t{32} << 10;

  // As ByteReader::open. `read_size` is between kLeastRead and kMostRead.
  static absl::StatusOr<std::unique_ptr<CaptureReader>> open(const std::string& path, const Interrupter& interrupter,
                                                             std::size_t read_size = kMostRead);

  // Packets that the buffer holds whole, numbered from `number`. Does not read.
  std::size_t take(Packet* out, std::size_t room, std::uint64_t number) {
    if (primed_) [[unlikely]]
      return take_primed(out, room, number);
    return parse(out, room, number);
  }
  // Reads on. What take() gave before is void.
  Fill fill();
  // Reads on until the first packet is there, so that it is known whether the file can be read. Only for regular files.
  void prime();

  // What ended the file early.
  [[nodiscard]] const std::optional<CaptureWarning>& damage() const { return damage_; }
  [[nodiscard]] bool regular() const { return reader_->regular(); }
  // The first packet is known.
  [[nodiscard]] bool primed() const { return primed_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  // Back to the first packet; false when the file cannot be read twice.
  bool rewind();

 private:
  CaptureReader(std::string path, std::unique_ptr<ByteReader> reader, std::size_t read_size);
  std::size_t take_primed(Packet* out, std::size_t room, std::uint64_t number);
  std::size_t parse(Packet* out, std::size_t room, std::uint64_t number) {
    if (auto* pcap = std::get_if<PcapParser>(&parser_)) return pcap->parse(window_, out, room, number);
    if (auto* pcapng = std::get_if<PcapngParser>(&parser_)) return pcapng->parse(window_, out, room, number);
    return 0;
  }
  // Chooses the parser when enough is there to see the format. False at damage.
  bool recognise();
  [[nodiscard]] const std::string& parser_damage() const;
  Fill fail(std::string what);
  Fill finish();
  void pass_over();

  std::string path_;
  std::unique_ptr<ByteReader> reader_;
  std::size_t read_size_;
  std::variant<std::monostate, PcapParser, PcapngParser> parser_;
  Window window_;
  struct Free {
    void operator()(std::uint8_t* buffer) const;
  };
  std::unique_ptr<std::uint8_t, Free> buffer_;
  std::uint64_t read_ = 0;  // octets of the file that came into the buffer or were passed over
  bool ended_ = false;
  bool primed_ = false;
  Packet first_;
  std::optional<CaptureWarning> damage_;
};

}  // namespace spanbeat
