#include "export/spool/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace spanbeat {
namespace {

constexpr std::size_t kWriteSize = std::size_t{512} << 10;
constexpr std::size_t kReadSize = std::size_t{256} << 10;

void close_file(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

}  // namespace

SpoolStore::~SpoolStore() {
  close_file(writing_);
  close_file(reading_);
}

ssize_t SpoolStore::write_at(int descriptor, const char* octets, std::size_t size, std::uint64_t offset) {
  return ::pwrite(descriptor, octets, size, static_cast<off_t>(offset));
}

std::string SpoolStore::path_of(std::uint64_t segment) const {
  return options_.path + "/" + std::to_string(segment) + ".seg";
}

SpoolStore::Written SpoolStore::append(const Batch& batch, std::size_t& document) {
  const auto& documents = batch.documents;
  const auto skips = [&](std::size_t which) { return documents[which].state != DocumentState::pending; };
  while (document < documents.size()) {
    if (skips(document)) {
      ++document;
      continue;
    }
    const std::size_t next = kRecordHeaderSize + documents[document].size;
    const bool roll = writing_ < 0 || (end_.offset > kSegmentHeaderSize && end_.offset + next > options_.segment_size);
    if (options_.max_size != 0) {
      // A queue that is empty but for acknowledged documents makes room by leaving its last segment.
      const bool empty = state_.acknowledged.number == end_.number && end_.offset > kSegmentHeaderSize;
      if (octets_ + next > options_.max_size && empty && writing_ >= 0) {
        if (!begin_segment() || !keep_state()) return Written::failed;
        continue;
      }
      if (octets_ + next + (roll ? kSegmentHeaderSize : 0) > options_.max_size) return Written::full;
    }
    if (roll && !begin_segment()) return Written::failed;
    // As many documents as the segment and the bounds take, in one write.
    out_.clear();
    std::size_t last = document;
    while (last < documents.size()) {
      if (skips(last)) break;
      const std::size_t size = kRecordHeaderSize + documents[last].size;
      const std::size_t with = out_.size() + size;
      if (last > document && (with > kWriteSize || end_.offset + with > options_.segment_size ||
                              (options_.max_size != 0 && octets_ + with > options_.max_size))) {
        break;
      }
      append_record(out_, {batch.document(last), documents[last].timestamp, documents[last].protocol});
      ++last;
    }
    const ssize_t written = write_at(writing_, out_.data(), out_.size(), end_.offset);
    if (written < 0 && errno == EINTR) continue;
    const int error = written < 0 ? errno : ENOSPC;
    // What was written whole stays; the rest is written over.
    const std::size_t before = document;
    std::size_t left = written < 0 ? 0 : static_cast<std::size_t>(written);
    const bool all = left == out_.size();
    while (document < last && left >= kRecordHeaderSize + documents[document].size) {
      const std::size_t size = kRecordHeaderSize + documents[document].size;
      left -= size;
      end_.offset += size;
      ++end_.number;
      octets_ += size;
      segments_.back().size = end_.offset;
      ++document;
    }
    // A disk that is nearly full may take octets and yet no whole document.
    if (!all && document == before) {
      errno = error;
      return Written::failed;
    }
  }
  return Written::all;
}

bool SpoolStore::begin_segment() {
  const std::uint64_t number = last_segment_ + 1;
  const std::string path = path_of(number);
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (made < 0) return false;
  out_.clear();
  append_segment_header(out_, {number, end_.number});
  const ssize_t written = write_at(made, out_.data(), out_.size(), 0);
  if (written != static_cast<ssize_t>(out_.size())) {
    const int error = written < 0 ? errno : ENOSPC;
    ::close(made);
    ::unlink(path.c_str());
    errno = error;
    return false;
  }
  // What a failed write left behind the last whole record.
  if (writing_ >= 0) (void)!::ftruncate(writing_, static_cast<off_t>(end_.offset));
  close_file(writing_);
  writing_ = made;
  last_segment_ = number;
  const bool read_all = !unread();
  end_ = {number, kSegmentHeaderSize, end_.number};
  if (read_all) read_ = end_;
  segments_.push_back({number, end_.number, kSegmentHeaderSize});
  octets_ += kSegmentHeaderSize;
  return true;
}

bool SpoolStore::fill(std::size_t least, std::string_view& octets) {
  if (reading_ < 0 || reading_segment_ != read_.segment) {
    close_file(reading_);
    in_.clear();
    in_begin_ = 0;
    reading_ = ::open(path_of(read_.segment).c_str(), O_RDONLY | O_CLOEXEC);
    if (reading_ < 0) return false;
    reading_segment_ = read_.segment;
  }
  if (read_.offset < in_begin_ || read_.offset + least > in_begin_ + in_.size()) {
    // What was written after the last whole record is none of the reader's business.
    const auto segment = std::find_if(segments_.begin(), segments_.end(),
                                      [&](const Segment& each) { return each.number == read_.segment; });
    const std::uint64_t size = segment == segments_.end() ? 0 : segment->size;
    const std::size_t there = size > read_.offset ? static_cast<std::size_t>(size - read_.offset) : 0;
    in_.resize(std::min(std::max(least, kReadSize), there));
    in_begin_ = read_.offset;
    std::size_t have = 0;
    while (have < in_.size()) {
      const ssize_t count =
          ::pread(reading_, in_.data() + have, in_.size() - have, static_cast<off_t>(in_begin_ + have));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        const int error = errno;
        in_.clear();
        errno = error;
        return false;
      }
      if (count == 0) break;
      have += static_cast<std::size_t>(count);
    }
    in_.resize(have);
  }
  octets = std::string_view(in_).substr(static_cast<std::size_t>(read_.offset - in_begin_));
  return true;
}

bool SpoolStore::read(Batch& batch, std::size_t documents, std::size_t octets, bool patient, Damage& damage) {
  std::size_t least = kRecordHeaderSize;
  while (unread() && batch.documents.size() < documents && batch.text.size() < octets) {
    std::string_view there;
    if (!fill(least, there)) {
      if (patient) return false;
      next_segment(damage, true);
      continue;
    }
    if (there.empty()) {
      next_segment(damage, false);
      continue;
    }
    const ParsedRecord parsed = parse_record(there);
    switch (parsed.kind) {
      case ParsedRecord::Kind::incomplete:
        if (there.size() >= least && parsed.size > least && least == kRecordHeaderSize) {
          least = parsed.size;
          continue;  // once with all of it
        }
        next_segment(damage, true);
        break;
      case ParsedRecord::Kind::lost:
        next_segment(damage, true);
        break;
      case ParsedRecord::Kind::damaged:
        ++damage.segments;
        ++damage.documents;
        read_.offset += parsed.size;
        ++read_.number;
        break;
      case ParsedRecord::Kind::whole: {
        const std::size_t offset = batch.text.size();
        batch.text.append(parsed.record.text);
        batch.documents.push_back({offset, parsed.record.text.size(), parsed.record.timestamp, parsed.record.protocol,
                                   DocumentState::pending});
        read_.offset += parsed.size;
        ++read_.number;
        break;
      }
    }
    least = kRecordHeaderSize;
  }
  return true;
}

// The rest of the segment that is being read, if there is any, is given up.
void SpoolStore::next_segment(Damage& damage, bool damaged) {
  close_file(reading_);
  const auto next = std::find_if(segments_.begin(), segments_.end(),
                                 [&](const Segment& each) { return each.number > read_.segment; });
  const SpoolPosition to =
      next == segments_.end() ? end_ : SpoolPosition{next->number, kSegmentHeaderSize, next->first};
  if (to.number > read_.number) {
    damage.documents += to.number - read_.number;
    damaged = true;
  }
  damage.segments += damaged ? 1 : 0;
  read_ = to;
}

// The position at a segment's end is the one at the next one's beginning.
void SpoolStore::leave_finished() {
  SpoolPosition& at = state_.acknowledged;
  for (std::size_t i = 0; i + 1 < segments_.size() && segments_[i].number <= at.segment; ++i) {
    const Segment& next = segments_[i + 1];
    if (segments_[i].number == at.segment && at.number >= next.first) {
      at = {next.number, kSegmentHeaderSize, at.number};
    }
  }
}

void SpoolStore::remove_front() {
  while (!segments_.empty() && segments_.front().number < state_.acknowledged.segment &&
         segments_.front().number < kept_.acknowledged.segment) {
    ::unlink(path_of(segments_.front().number).c_str());
    octets_ -= segments_.front().size;
    segments_.pop_front();
  }
}

bool SpoolStore::keep_state() {
  leave_finished();
  if (state_ == kept_) return true;
  if (!state_file_.write(state_)) return false;
  kept_ = state_;
  remove_front();
  return true;
}

void SpoolStore::close() {
  if (writing_ >= 0) (void)!::ftruncate(writing_, static_cast<off_t>(end_.offset));
  close_file(writing_);
  close_file(reading_);
  leave_finished();
  if (state_.acknowledged.number == end_.number) {
    state_.acknowledged = {last_segment_ + 1, kSegmentHeaderSize, end_.number};
    state_.offered = end_.number;
  }
  (void)keep_state();
}

}  // namespace spanbeat
