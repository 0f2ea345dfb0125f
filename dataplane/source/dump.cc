#include "dataplane/source/dump.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace spanbeat {
namespace {

constexpr std::size_t kBuffer = std::size_t{256} << 10;
constexpr std::uint32_t kSnapshotLength = 65535;

// draft-ietf-opsawg-pcap, section 4; in this machine's byte order, as the magic tells the reader.
struct FileHeader {
  std::uint32_t magic = 0xa1b23c4d;  // nanoseconds
  std::uint16_t major = 2;
  std::uint16_t minor = 4;
  std::uint32_t reserved[2] = {0, 0};
  std::uint32_t snapshot_length = kSnapshotLength;
  std::uint32_t link = 0;
};
static_assert(sizeof(FileHeader) == 24);

// Section 5.
struct RecordHeader {
  std::uint32_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  std::uint32_t captured = 0;
  std::uint32_t original = 0;
};
static_assert(sizeof(RecordHeader) == 16);

}  // namespace

absl::StatusOr<std::unique_ptr<PcapWriter>> PcapWriter::create(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return absl::UnavailableError(path + ": " + std::strerror(errno));
  return std::unique_ptr<PcapWriter>(new PcapWriter(path, file));
}

PcapWriter::PcapWriter(std::string path, int file) : path_(std::move(path)), file_(file), buffer_(kBuffer) {}

PcapWriter::~PcapWriter() {
  if (!begun_) begin(link_);  // a file without packets is a capture too
  flush();
  ::close(file_);
}

void PcapWriter::begin(LinkType link) {
  begun_ = true;
  link_ = link;
  FileHeader header;
  header.link = static_cast<std::uint32_t>(link);
  append(&header, sizeof header);
}

void PcapWriter::append(const void* octets, std::size_t count) {
  if (used_ + count > buffer_.size()) flush();
  std::memcpy(buffer_.data() + used_, octets, count);
  used_ += count;
}

bool PcapWriter::write(const Packet& packet) {
  if (!begun_) begin(packet.link);
  if (packet.link != link_) return false;
  const Time time = std::max<Time>(packet.timestamp, 0);
  RecordHeader header;
  header.seconds = static_cast<std::uint32_t>(time / kSecond);
  header.nanoseconds = static_cast<std::uint32_t>(time % kSecond);
  header.captured = std::min(static_cast<std::uint32_t>(packet.octets.size()), kSnapshotLength);
  header.original = packet.wire_length;
  append(&header, sizeof header);
  append(packet.octets.data(), header.captured);
  return true;
}

void PcapWriter::flush() {
  std::size_t written = 0;
  while (written < used_ && status_.ok()) {
    const ssize_t count = ::write(file_, buffer_.data() + written, used_ - written);
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      status_ = absl::UnavailableError(path_ + ": " + std::strerror(errno));
    }
  }
  used_ = 0;
}

DumpSource::DumpSource(Source& inner, std::unique_ptr<PcapWriter> writer) : inner_(inner), writer_(std::move(writer)) {}

std::size_t DumpSource::burst(std::span<Packet, kBurst> packets) {
  const std::size_t count = inner_.burst(packets);
  for (std::size_t i = 0; i < count; ++i) refused_ += writer_->write(packets[i]) ? 0 : 1;
  if (count == 0) writer_->flush();  // nothing to do now, or the end
  return count;
}

void DumpSource::collect(Counters& counters) {
  inner_.collect(counters);
  counters.add(Counter::dump_refused, std::exchange(refused_, 0));
}

}  // namespace spanbeat
