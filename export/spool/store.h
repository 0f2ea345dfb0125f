// The disk queue's folder: documents are written at one end and read at the other, in segments of bounded size.
//
// What:   N.seg files with N rising, and state.dat. append() writes, read() reads what was written, acknowledge() moves
//         the position that the state file keeps; a segment goes once all of it is acknowledged.
// Why:    what was written is there after a kill -9; what was torn is cut, and damage costs as little as it can.
// Limits: one thread. Writes and reads go through the system's page cache: a loss of power may cost the last seconds.
//         Never larger than max_size in all, but for the headers of segments.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "export/sinks/sink.h"
#include "export/spool/options.h"
#include "export/spool/record.h"
#include "export/spool/state_file.h"

namespace spanbeat {

class SpoolStore {
 public:
  // What was there at start.
  struct Recovery {
    std::uint64_t documents = 0;
    std::uint64_t offered = 0;  // of these: the output had been given them, and may have them
    std::uint64_t damaged = 0;  // segments with damage
    std::vector<std::string> remarks;
  };

  // `options.path` is set.
  explicit SpoolStore(SpoolOptions options) : options_(std::move(options)) {}
  virtual ~SpoolStore();
  SpoolStore(const SpoolStore&) = delete;
  SpoolStore& operator=(const SpoolStore&) = delete;

  // Makes the folder or recovers what is in it. False, with `problem`, when it cannot be used.
  [[nodiscard]] bool open(Recovery& recovery, std::string& problem);

  enum class Written : std::uint8_t { all, full, failed };
  // Writes the batch's documents that are pending, from `document` on, and moves `document` behind those that are
  // written whole. `full`: max_size is reached; `failed`: the file system refused, see errno.
  [[nodiscard]] Written append(const Batch& batch, std::size_t& document);
  // Can the document ever be written?
  [[nodiscard]] bool fits(std::size_t text) const {
    return text <= kLongestText &&
           (options_.max_size == 0 || text + kRecordHeaderSize + kSegmentHeaderSize <= options_.max_size);
  }

  // Behind the last document written, and behind the last one read.
  [[nodiscard]] const SpoolPosition& end() const { return end_; }
  [[nodiscard]] const SpoolPosition& read_position() const { return read_; }
  [[nodiscard]] bool unread() const { return read_.number < end_.number; }
  // What was written from read_position() on need not be read: it was passed on otherwise.
  void skip_to_end() { read_ = end_; }

  struct Damage {
    std::uint64_t segments = 0;
    std::uint64_t documents = 0;  // that cannot be read any more
  };
  // Appends documents to the batch, up to these bounds or the end, and moves read_position(). False, with errno set,
  // when the file system refused. `patient`: then try again later, else what cannot be read is given up as damage.
  [[nodiscard]] bool read(Batch& batch, std::size_t documents, std::size_t octets, bool patient, Damage& damage);

  // Everything before `position` is settled, everything before `offered` was given to the output.
  void acknowledge(const SpoolPosition& position) { state_.acknowledged = position; }
  void offered(std::uint64_t number) { state_.offered = number; }
  // Writes the state if it changed, and removes segments that are of no more use. False, with errno set, when the state
  // could not be written; it is tried again.
  [[nodiscard]] bool keep_state();
  // The last time: an empty queue leaves no segment behind.
  void close();

  [[nodiscard]] std::uint64_t octets() const { return octets_; }

 protected:
  // The file system, so that tests can refuse.
  [[nodiscard]] virtual ssize_t write_at(int descriptor, const char* octets, std::size_t size, std::uint64_t offset);

 private:
  struct Segment {
    std::uint64_t number;
    std::uint64_t first;  // number of its first document
    std::uint64_t size;
  };

  // store_recovery.cc
  void list_segments(Recovery& recovery);
  void find_position(bool found, Recovery& recovery);
  void find_end(Recovery& recovery);
  void set_aside(std::uint64_t segment, Recovery& recovery, const std::string& why);

  [[nodiscard]] std::string path_of(std::uint64_t segment) const;
  [[nodiscard]] bool begin_segment();
  void remove_front();
  void leave_finished();
  // The octets at read_, as many as there are, at least `least` unless the file ends before. Empty at its end.
  [[nodiscard]] bool fill(std::size_t least, std::string_view& octets);
  void next_segment(Damage& damage, bool damaged);

  const SpoolOptions options_;
  StateFile state_file_;
  SpoolState state_;
  SpoolState kept_;  // what the state file holds
  std::deque<Segment> segments_;
  std::uint64_t octets_ = 0;
  std::uint64_t last_segment_ = 0;  // the highest number ever used

  int writing_ = -1;  // the last segment, when this process began it
  SpoolPosition end_;
  TextBuffer out_;

  int reading_ = -1;
  std::uint64_t reading_segment_ = 0;
  SpoolPosition read_;
  std::string in_;  // octets of the segment from in_begin_ on
  std::uint64_t in_begin_ = 0;
};

}  // namespace spanbeat
