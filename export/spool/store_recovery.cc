// What the disk queue does at start: find the documents that were written and not acknowledged.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "export/spool/store.h"

namespace spanbeat {
namespace {

// Reads a segment record by record, up to where it is whole.
class Scan {
 public:
  explicit Scan(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Scan() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  [[nodiscard]] std::string_view at(std::uint64_t offset, std::size_t least) {
    if (offset < begin_ || offset + least > begin_ + octets_.size()) {
      octets_.resize(std::max(least, std::size_t{1} << 20));
      begin_ = offset;
      std::size_t have = 0;
      while (have < octets_.size()) {
        const ssize_t count =
            ::pread(descriptor_, octets_.data() + have, octets_.size() - have, static_cast<off_t>(offset + have));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        have += static_cast<std::size_t>(count);
      }
      octets_.resize(have);
    }
    return std::string_view(octets_).substr(static_cast<std::size_t>(offset - begin_));
  }

  // Moves `offset` behind the record there. False at the end of what is whole; `size` is the file's.
  [[nodiscard]] bool skip(std::uint64_t& offset, std::uint64_t size) {
    ParsedRecord parsed = parse_record(at(offset, kRecordHeaderSize));
    if (parsed.kind == ParsedRecord::Kind::incomplete && parsed.size > kRecordHeaderSize &&
        offset + parsed.size <= size) {
      parsed = parse_record(at(offset, parsed.size));
    }
    if (parsed.kind != ParsedRecord::Kind::whole && parsed.kind != ParsedRecord::Kind::damaged) return false;
    offset += parsed.size;
    return true;
  }

 private:
  int descriptor_;
  std::string octets_;
  std::uint64_t begin_ = 0;
};

}  // namespace

bool SpoolStore::open(Recovery& recovery, std::string& problem) {
  // A file-size limit (ulimit -f) is an error as a full disk is, and ends nobody.
  (void)std::signal(SIGXFSZ, SIG_IGN);
  std::error_code error;
  if (std::filesystem::create_directories(options_.path, error)) ::chmod(options_.path.c_str(), 0750);
  if (error) {
    problem = "make " + options_.path + ": " + error.message();
    return false;
  }
  bool found = false;
  bool damaged = false;
  if (!state_file_.open(options_.path + "/state.dat", state_, found, damaged, problem)) return false;
  list_segments(recovery);
  if (damaged || (!found && !segments_.empty())) {
    recovery.remarks.push_back(options_.path + "/state.dat is " + (damaged ? "damaged" : "missing") +
                               ": all documents that are there are sent again");
  }
  find_position(found, recovery);
  find_end(recovery);
  read_ = state_.acknowledged;
  state_.offered = std::clamp(state_.offered, read_.number, end_.number);
  recovery.documents = end_.number - read_.number;
  recovery.offered = state_.offered - read_.number;
  if (!state_file_.write(state_)) {
    problem = "write " + options_.path + "/state.dat: " + std::strerror(errno);
    return false;
  }
  kept_ = state_;
  return true;
}

void SpoolStore::list_segments(Recovery& recovery) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(options_.path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc{} && std::string_view(parsed.ptr) == ".seg") numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  for (const std::uint64_t number : numbers) {
    last_segment_ = std::max(last_segment_, number);
    const std::string path = path_of(number);
    if (number < state_.acknowledged.segment) {  // all of it had been acknowledged
      ::unlink(path.c_str());
      continue;
    }
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) continue;
    const auto size = static_cast<std::uint64_t>(info.st_size);
    if (size < kSegmentHeaderSize) {  // begun, and nothing written
      ::unlink(path.c_str());
      continue;
    }
    SegmentHeader header{};
    Scan scan(path);
    if (!parse_segment_header(scan.at(0, kSegmentHeaderSize), header) || header.segment != number) {
      set_aside(number, recovery, "it has no header");
    } else if (!segments_.empty() && header.first < segments_.back().first) {
      set_aside(number, recovery, "it does not follow the one before");
    } else {
      segments_.push_back({number, header.first, size});
      octets_ += size;
    }
  }
  last_segment_ = std::max(last_segment_, state_.acknowledged.segment);
}

void SpoolStore::set_aside(std::uint64_t segment, Recovery& recovery, const std::string& why) {
  const std::string path = path_of(segment);
  ++recovery.damaged;
  recovery.remarks.push_back(path + " is damaged: " + why + "; it was renamed to .damaged");
  (void)std::rename(path.c_str(), (path + ".damaged").c_str());
}

// Where reading begins: the state's position if it lies between two documents, else before the first one that is there.
void SpoolStore::find_position(bool found, Recovery& recovery) {
  SpoolPosition& at = state_.acknowledged;
  if (segments_.empty()) {
    at.segment = last_segment_ + 1;
    at.offset = kSegmentHeaderSize;
    return;
  }
  const Segment& first = segments_.front();
  const SpoolPosition begin{first.number, kSegmentHeaderSize, first.first};
  if (!found || at.segment != first.number) {
    at = begin;
    return;
  }
  Scan scan(path_of(first.number));
  SpoolPosition place = begin;
  while (place.offset < at.offset && scan.skip(place.offset, first.size)) ++place.number;
  if (place == at) return;
  // A damaged segment whose rest had been given up is left behind when there is a next one.
  recovery.remarks.push_back(options_.path + "/state.dat names a place that is none; segment " +
                             std::to_string(first.number) + " is sent again");
  at = begin;
}

void SpoolStore::find_end(Recovery& recovery) {
  if (segments_.empty()) {
    end_ = state_.acknowledged;
    return;
  }
  Segment& last = segments_.back();
  const std::string path = path_of(last.number);
  Scan scan(path);
  SpoolPosition place{last.number, kSegmentHeaderSize, last.first};
  while (place.offset < last.size && scan.skip(place.offset, last.size)) ++place.number;
  if (place.offset < last.size) {
    ++recovery.damaged;
    recovery.remarks.push_back(path + " ends in a document that was not written whole: " +
                               std::to_string(last.size - place.offset) + " octets were cut");
    (void)!::truncate(path.c_str(), static_cast<off_t>(place.offset));
    octets_ -= last.size - place.offset;
    last.size = place.offset;
  }
  end_ = place;
  if (state_.acknowledged.number > end_.number) state_.acknowledged = end_;
}

}  // namespace spanbeat
