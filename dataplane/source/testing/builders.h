// Builds capture files octet by octet, for tests: every variant that the readers know, and every kind of damage.
//
// What:   PcapBuilder and PcapngBuilder append to a string; TemporaryFile puts octets where a path is needed; read_all
// reads a
//         source to its end and copies what it gave.
// Limits: tests only: it allocates as it likes.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/source/capture_file.h"

namespace spanbeat::testing {

// Appends integers in either byte order.
class OctetWriter {
 public:
  explicit OctetWriter(bool big_endian = false) : big_endian_(big_endian) {}

  OctetWriter& u16(std::uint64_t value) { return word(value, 2); }
  OctetWriter& u32(std::uint64_t value) { return word(value, 4); }
  OctetWriter& u64(std::uint64_t value) { return word(value, 8); }
  OctetWriter& raw(std::string_view octets) {
    octets_ += octets;
    return *this;
  }
  OctetWriter& pad(std::size_t unit) {
    while (octets_.size() % unit != 0) octets_ += '\0';
    return *this;
  }
  [[nodiscard]] const std::string& octets() const { return octets_; }
  void set_order(bool big_endian) { big_endian_ = big_endian; }

 private:
  OctetWriter& word(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) {
      const int shift = 8 * (big_endian_ ? size - 1 - i : i);
      octets_ += static_cast<char>(value >> shift & 0xff);
    }
    return *this;
  }
  bool big_endian_;
  std::string octets_;
};

struct PcapVariant {
  bool big_endian = false;
  std::uint32_t magic = 0xa1b2c3d4;
  std::uint16_t major = 2;
  std::uint16_t minor = 4;
  std::uint32_t link = 1;
};

class PcapBuilder {
 public:
  explicit PcapBuilder(const PcapVariant& variant = {}) : variant_(variant), out_(variant.big_endian) {
    out_.u32(variant.magic).u16(variant.major).u16(variant.minor).u32(0).u32(0).u32(65535).u32(variant.link);
  }
  PcapBuilder& packet(std::uint64_t seconds, std::uint64_t fraction, std::string_view octets,
                      std::uint64_t original = 0) {
    return record(seconds, fraction, octets.size(), original == 0 ? octets.size() : original, octets);
  }
  // With lengths as given.
  PcapBuilder& record(std::uint64_t seconds, std::uint64_t fraction, std::uint64_t first_length,
                      std::uint64_t second_length, std::string_view octets) {
    out_.u32(seconds).u32(fraction).u32(first_length).u32(second_length);
    if (variant_.magic == 0xa1b2cd34) out_.u32(7).u16(0x0800).u16(0);  // interface, protocol, packet type
    out_.raw(octets);
    return *this;
  }
  [[nodiscard]] const std::string& file() const { return out_.octets(); }

 private:
  PcapVariant variant_;
  OctetWriter out_;
};

class PcapngBuilder {
 public:
  explicit PcapngBuilder(bool big_endian = false) : out_(big_endian) {}

  PcapngBuilder& section(bool big_endian, std::uint16_t major = 1) {
    big_endian_ = big_endian;
    out_.set_order(big_endian);
    return block(0x0a0d0d0a, body().u32(0x1a2b3c4d).u16(major).u16(0).u64(UINT64_MAX).octets());
  }
  PcapngBuilder& interface(std::uint16_t link, std::uint32_t snap_length = 0, std::string_view options = {}) {
    return block(1, body().u16(link).u16(0).u32(snap_length).raw(options).octets());
  }
  PcapngBuilder& enhanced(std::uint32_t from, std::uint64_t time, std::string_view octets, std::uint64_t original = 0,
                          std::string_view options = {}) {
    return block(6, body()
                        .u32(from)
                        .u32(time >> 32)
                        .u32(time)
                        .u32(octets.size())
                        .u32(original == 0 ? octets.size() : original)
                        .raw(octets)
                        .pad(4)
                        .raw(options)
                        .octets());
  }
  PcapngBuilder& simple(std::string_view octets, std::uint64_t original = 0) {
    return block(3, body().u32(original == 0 ? octets.size() : original).raw(octets).pad(4).octets());
  }
  PcapngBuilder& obsolete(std::uint16_t from, std::uint64_t time, std::string_view octets) {
    return block(2, body()
                        .u16(from)
                        .u16(0xffff)
                        .u32(time >> 32)
                        .u32(time)
                        .u32(octets.size())
                        .u32(octets.size())
                        .raw(octets)
                        .pad(4)
                        .octets());
  }
  PcapngBuilder& block(std::uint32_t type, std::string_view octets) {
    out_.u32(type).u32(octets.size() + 12).raw(octets).u32(octets.size() + 12);
    return *this;
  }
  PcapngBuilder& raw(std::string_view octets) {
    out_.raw(octets);
    return *this;
  }
  // An option of an interface description.
  [[nodiscard]] std::string option(std::uint16_t code, std::string_view value) const {
    return body().u16(code).u16(value.size()).raw(value).pad(4).octets();
  }
  [[nodiscard]] OctetWriter body() const { return OctetWriter(big_endian_); }
  [[nodiscard]] const std::string& file() const { return out_.octets(); }

 private:
  bool big_endian_ = false;
  OctetWriter out_;
};

// A file that goes away with its owner.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view octets = {}) {
    path_ = ::testing::TempDir() + "spanbeat-XXXXXX";
    const int file = ::mkstemp(path_.data());
    EXPECT_GE(file, 0);
    ::close(file);
    std::ofstream(path_, std::ios::binary).write(octets.data(), static_cast<std::streamsize>(octets.size()));
  }
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string contents() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

// A packet with octets of its own.
struct KeptPacket {
  Time timestamp = 0;
  std::string octets;
  std::uint32_t wire_length = 0;
  LinkType link = LinkType::ethernet;
  std::uint16_t interface = 0;
  std::uint64_t number = 0;

  friend bool operator==(const KeptPacket&, const KeptPacket&) = default;
};

inline KeptPacket keep(const Packet& packet) {
  // The padding that every source promises; a sanitizer sees when it is not there.
  std::uint8_t padding = 0;
  for (std::size_t i = 0; i < kPadding; ++i) padding ^= packet.octets.data()[packet.octets.size() + i];
  volatile std::uint8_t read = padding;
  (void)read;
  return {packet.timestamp, std::string(text(packet.octets)), packet.wire_length, packet.link, packet.interface,
          packet.number};
}

inline std::vector<KeptPacket> read_all(Source& source) {
  std::vector<KeptPacket> kept;
  Packet packets[kBurst];
  while (source.state() == Source::State::open) {
    const std::size_t count = source.burst(packets);
    for (std::size_t i = 0; i < count; ++i) kept.push_back(keep(packets[i]));
  }
  return kept;
}

struct ReadFile {
  absl::Status opened;
  absl::Status result;
  std::vector<KeptPacket> packets;
  std::vector<CaptureWarning> warnings;
  std::uint64_t offered = 0;
  std::uint64_t file_errors = 0;
};

inline ReadFile read_files(const CaptureFileOptions& options) {
  ReadFile read;
  auto source = open_capture_files(options);
  read.opened = source.status();
  if (!source.ok()) return read;
  read.packets = read_all(**source);
  read.warnings = (*source)->take_warnings();
  read.result = (*source)->result();
  Counters counters;
  (*source)->collect(counters);
  read.offered = counters.get(Counter::capture_offered);
  read.file_errors = counters.get(Counter::capture_file_errors);
  return read;
}

// Reads a file of these octets at full speed.
inline ReadFile read_octets(std::string_view octets) {
  const TemporaryFile file(octets);
  return read_files({.paths = {file.path()}, .loops = 1, .full_speed = true, .one_at_a_time = false});
}

}  // namespace spanbeat::testing
