#include "export/sinks/logstash/lumberjack.h"

#include <libdeflate.h>

#include <algorithm>

namespace spanbeat {
namespace {

constexpr char kVersion = '2';

void put32(char* to, std::size_t value) {
  to[0] = static_cast<char>((value >> 24U) & 255U);
  to[1] = static_cast<char>((value >> 16U) & 255U);
  to[2] = static_cast<char>((value >> 8U) & 255U);
  to[3] = static_cast<char>(value & 255U);
}

void put_header(char* to, char type, std::size_t value) {
  to[0] = kVersion;
  to[1] = type;
  put32(to + 2, value);
}

}  // namespace

WindowWriter::WindowWriter(int level) {
  if (level > 0) compressor_ = libdeflate_alloc_compressor(level);
}

WindowWriter::~WindowWriter() {
  if (compressor_ != nullptr) libdeflate_free_compressor(compressor_);
}

void WindowWriter::add(const void* octets, std::size_t size) {
  if (size != 0) parts_.push_back({const_cast<void*>(octets), size});
}

std::span<iovec> WindowWriter::write(std::span<const LumberjackDocument> documents) {
  parts_.clear();
  headers_.resize(documents.size());
  put_header(head_.data(), 'W', documents.size());
  std::size_t total = 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    put_header(headers_[i].data(), 'J', i + 1);
    put32(headers_[i].data() + 6, documents[i].size());
    total += kDataHeader + documents[i].size();
  }
  if (compressor_ == nullptr) {
    add(head_.data(), 6);
    for (std::size_t i = 0; i < documents.size(); ++i) {
      add(headers_[i].data(), kDataHeader);
      for (const std::string_view piece : documents[i].pieces) add(piece.data(), piece.size());
    }
    return parts_;
  }
  plain_.clear();
  plain_.reserve(total);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    plain_.append(headers_[i].data(), kDataHeader);
    for (const std::string_view piece : documents[i].pieces) plain_.append(piece);
  }
  // The bound is never passed, so that the compressor always succeeds.
  packed_.resize(libdeflate_zlib_compress_bound(compressor_, plain_.size()));
  const std::size_t size =
      libdeflate_zlib_compress(compressor_, plain_.data(), plain_.size(), packed_.data(), packed_.size());
  put_header(head_.data() + 6, 'C', size);
  add(head_.data(), head_.size());
  add(packed_.data(), size);
  return parts_;
}

AcknowledgementReader::Found AcknowledgementReader::next(std::uint32_t& sequence) {
  static constexpr std::string_view kStart = "2A";
  static constexpr std::size_t kFrame = 6;
  // Told at the first octet that is wrong: a server that speaks something else may send no sixth one.
  const std::size_t looked = std::min(octets_.size(), kStart.size());
  if (std::string_view(octets_).substr(0, looked) != kStart.substr(0, looked)) return Found::garbage;
  if (octets_.size() < kFrame) return Found::none;
  sequence = 0;
  for (std::size_t i = kStart.size(); i < kFrame; ++i) {
    sequence = sequence << 8U | static_cast<unsigned char>(octets_[i]);
  }
  octets_.erase(0, kFrame);
  return Found::acknowledgement;
}

bool WindowTracker::acknowledged(std::uint32_t sequence, std::size_t& documents) {
  documents = 0;
  if (sequence == 0) return true;
  if (windows_.empty()) return false;
  Window& window = windows_.front();
  if (sequence > window.documents) return false;
  if (sequence > window.acknowledged) {
    documents = sequence - window.acknowledged;
    window.acknowledged = sequence;
  }
  if (window.acknowledged == window.documents) windows_.pop_front();
  return true;
}

}  // namespace spanbeat
