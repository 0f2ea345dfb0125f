// Lumberjack version 2, the protocol of Logstash's beats input: frames that are sent, and acknowledgements that come
// back (spec/libbeat-pipeline.md section 5.2).
//
// What:   WindowWriter lays out a window: its frame, and a frame for each document or one compressed frame of them all.
//         AcknowledgementReader finds acknowledgements in octets as they come.
// Limits: a window holds less than 4 GiB. Nothing of documents is copied unless they are compressed.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct libdeflate_compressor;

namespace spanbeat {

// A document as the pieces that it is sent as, one behind the other.
struct LumberjackDocument {
  std::array<std::string_view, 3> pieces;
  [[nodiscard]] std::size_t size() const { return pieces[0].size() + pieces[1].size() + pieces[2].size(); }
};

class WindowWriter {
 public:
  // `level`: 0 does not compress; 1 (fast) to 9 (small) do.
  explicit WindowWriter(int level);
  ~WindowWriter();
  WindowWriter(const WindowWriter&) = delete;
  WindowWriter& operator=(const WindowWriter&) = delete;

  // What to send for these documents; valid until the next call, and as long as the documents are.
  [[nodiscard]] std::span<iovec> write(std::span<const LumberjackDocument> documents);

 private:
  static constexpr std::size_t kDataHeader = 10;
  void add(const void* octets, std::size_t size);

  libdeflate_compressor* compressor_ = nullptr;
  std::vector<iovec> parts_;
  std::array<char, 12> head_{};  // the window's frame, and the head of the compressed one
  std::vector<std::array<char, kDataHeader>> headers_;
  std::string plain_;
  std::string packed_;
};

class AcknowledgementReader {
 public:
  enum class Found : std::uint8_t { none, acknowledgement, garbage };
  void feed(std::string_view octets) { octets_.append(octets); }
  // The next acknowledgement: of the documents up to `sequence` of the oldest window that is under way; 0 says that the
  // server still works on it. Garbage is what is no acknowledgement: the connection is of no more use.
  [[nodiscard]] Found next(std::uint32_t& sequence);
  void clear() { octets_.clear(); }

 private:
  std::string octets_;  // at most one frame and what one receive gave
};

// The windows that are under way, oldest first, by their number of documents: which documents an acknowledgement
// settles.
class WindowTracker {
 public:
  void sent(std::size_t documents) { windows_.push_back({documents, 0}); }
  // Documents newly acknowledged, in the order in which they were sent. False when no such window can be meant.
  [[nodiscard]] bool acknowledged(std::uint32_t sequence, std::size_t& documents);
  [[nodiscard]] std::size_t windows() const { return windows_.size(); }
  void clear() { windows_.clear(); }

 private:
  struct Window {
    std::size_t documents;
    std::size_t acknowledged;
  };
  std::deque<Window> windows_;
};

}  // namespace spanbeat
