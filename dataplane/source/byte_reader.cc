#include "dataplane/source/byte_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"

namespace spanbeat {
namespace {

constexpr std::size_t kInput = std::size_t{64} << 10;
// The longest mark that tells a compression.
constexpr std::size_t kMark = 4;

bool is_gzip(Bytes octets) { return octets.size() >= 2 && octets[0] == 0x1f && octets[1] == 0x8b; }  // RFC 1952, 2.3.1

// RFC 8878, 3.1.1 and 3.1.2: a frame, or a skippable frame before the first one.
bool is_zstd(Bytes octets) {
  if (octets.size() < 4) return false;
  const bool frame = octets[0] == 0x28 && octets[1] == 0xb5 && octets[2] == 0x2f && octets[3] == 0xfd;
  const bool skippable = (octets[0] & 0xf0) == 0x50 && octets[1] == 0x2a && octets[2] == 0x4d && octets[3] == 0x18;
  return frame || skippable;
}

std::string system_message() { return std::strerror(errno); }  // NOLINT(concurrency-mt-unsafe): glibc's is thread-local

}  // namespace

absl::StatusOr<std::unique_ptr<ByteReader>> ByteReader::open(const std::string& path, const Interrupter& interrupter) {
  const bool standard_input = path == "-";
  const int file = standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto refuse = [&](const std::string& why) {
    if (file >= 0 && !standard_input) ::close(file);
    return absl::NotFoundError((standard_input ? std::string("standard input") : path) + ": " + why);
  };
  if (file < 0) return refuse(system_message());
  struct stat kind{};
  if (::fstat(file, &kind) != 0) return refuse(system_message());
  if (S_ISDIR(kind.st_mode)) return refuse("Is a directory");
  const bool regular = S_ISREG(kind.st_mode);
  const std::int64_t start = regular ? ::lseek(file, 0, SEEK_CUR) : 0;
  if (regular) ::posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
  return std::unique_ptr<ByteReader>(
      new ByteReader(file, !standard_input, regular, std::max<std::int64_t>(start, 0), interrupter));
}

ByteReader::ByteReader(int file, bool owned, bool regular, std::int64_t start, const Interrupter& interrupter)
    : file_(file), owned_(owned), regular_(regular), start_(start), interrupter_(interrupter), input_(kInput) {}

ByteReader::~ByteReader() {
  if (owned_) ::close(file_);
}

bool ByteReader::rewind() {
  if (!regular_ || ::lseek(file_, start_, SEEK_SET) != start_) return false;
  recognised_ = between_members_ = gzip_ = false;
  decompressor_.reset();
  input_at_ = input_end_ = 0;
  damage_.clear();
  return true;
}

ByteReader::Read ByteReader::fail(std::string what) {
  damage_ = std::move(what);
  return {Outcome::damage, 0};
}

ByteReader::Read ByteReader::read_file(std::uint8_t* to, std::size_t room) {
  if (!regular_ && !interrupter_.wait(file_, kLongestWait)) return {Outcome::again, 0};
  const ssize_t count = ::read(file_, to, room);
  if (count > 0) return {Outcome::octets, static_cast<std::size_t>(count)};
  if (count == 0) return {Outcome::end, 0};
  if (errno == EINTR || errno == EAGAIN) return {Outcome::again, 0};
  return fail(system_message());
}

ByteReader::Outcome ByteReader::read_input() {
  if (input_at_ > 0) {
    std::memmove(input_.data(), input_.data() + input_at_, input_end_ - input_at_);
    input_end_ -= input_at_;
    input_at_ = 0;
  }
  const Read got = read_file(input_.data() + input_end_, kInput - input_end_);
  input_end_ += got.count;
  return got.outcome;
}

ByteReader::Outcome ByteReader::recognise() {
  while (input_end_ < kMark) {
    const Outcome outcome = read_input();
    if (outcome == Outcome::end) break;
    if (outcome != Outcome::octets) return outcome;
  }
  const Bytes head{input_.data(), input_end_};
  gzip_ = is_gzip(head);
  if (gzip_) decompressor_ = make_gzip_decompressor();
  if (is_zstd(head)) decompressor_ = make_zstd_decompressor();
  recognised_ = true;
  return Outcome::octets;
}

bool ByteReader::next_member() {
  while (gzip_ && input_at_ < input_end_ && input_[input_at_] == 0) ++input_at_;
  if (input_at_ == input_end_) return false;
  decompressor_->reset();
  between_members_ = false;
  return true;
}

ByteReader::Read ByteReader::read_compressed(std::uint8_t* to, std::size_t room) {
  while (true) {
    bool ended = false;
    if (input_at_ == input_end_) {
      const Outcome outcome = read_input();
      if (outcome == Outcome::again || outcome == Outcome::damage) return {outcome, 0};
      ended = outcome == Outcome::end;
    }
    if (between_members_ && !next_member()) {
      if (ended) return {Outcome::end, 0};
      continue;
    }
    const Inflated step = decompressor_->run({input_.data() + input_at_, input_end_ - input_at_}, to, room);
    input_at_ += step.consumed;
    between_members_ = step.member_end;
    if (!step.damage.empty()) damage_ = step.damage;
    if (step.produced > 0) return {Outcome::octets, step.produced};
    if (!damage_.empty()) return {Outcome::damage, 0};
    if (ended && !between_members_) return fail("the compressed data ends early");
  }
}

ByteReader::Read ByteReader::read(std::uint8_t* to, std::size_t room) {
  if (!damage_.empty()) return {Outcome::damage, 0};
  if (!recognised_) {
    const Outcome outcome = recognise();
    if (outcome != Outcome::octets) return {outcome, 0};
  }
  if (decompressor_) return read_compressed(to, room);
  if (input_at_ < input_end_) {  // what recognise() read
    const std::size_t count = std::min(room, input_end_ - input_at_);
    std::memcpy(to, input_.data() + input_at_, count);
    input_at_ += count;
    return {Outcome::octets, count};
  }
  return read_file(to, room);
}

}  // namespace spanbeat
