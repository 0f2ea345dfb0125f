#include "dataplane/source/capture_reader.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace spanbeat {
namespace {

// Before the place where reads land there is room for the longest unfinished record.
constexpr std::size_t kCarry = PcapngParser::kMaxBlock;
constexpr std::size_t kPage = 4096;
static_assert(kCarry >= kMaxCapturedOctets + PcapParser::kFileHeader && kCarry % kPage == 0);

// Files that people take for captures, so that the message can say what they are.
struct Lookalike {
  std::string_view mark;
  std::string_view what;
};
constexpr std::array kLookalikes = {
    Lookalike{"\xfd"
              "7zXZ",
              "an xz file: unpack it first (xz -dc FILE | … -I -)"},
    Lookalike{"BZh", "a bzip2 file: unpack it first (bzip2 -dc FILE | … -I -)"},
    Lookalike{"\x04\x22\x4d\x18", "an lz4 file: unpack it first (lz4 -dc FILE | … -I -)"},
    Lookalike{"PK\x03\x04", "a zip archive: unpack it first"},
    Lookalike{"snoop\0", "a snoop capture: convert it first (editcap -F pcap FILE OUT)"},
    Lookalike{"GMBU", "a Network Monitor capture: convert it first (editcap -F pcap FILE OUT)"},
    Lookalike{"RTSS", "a Network Monitor capture: convert it first (editcap -F pcap FILE OUT)"},
};

std::string unknown_format(Bytes head) {
  for (const Lookalike& lookalike : kLookalikes) {
    if (text(head).starts_with(lookalike.mark)) return absl::StrCat("this is ", std::string(lookalike.what));
  }
  return "not a capture file: neither pcap nor pcapng";
}

}  // namespace

void CaptureReader::Free::operator()(std::uint8_t* buffer) const { std::free(buffer); }

absl::StatusOr<std::unique_ptr<CaptureReader>> CaptureReader::open(const std::string& path,
                                                                   const Interrupter& interrupter,
                                                                   std::size_t read_size) {
  auto reader = ByteReader::open(path, interrupter);
  if (!reader.ok()) return reader.status();
  return std::unique_ptr<CaptureReader>(
      new CaptureReader(path == "-" ? std::string("standard input") : path, std::move(*reader), read_size));
}

CaptureReader::CaptureReader(std::string path, std::unique_ptr<ByteReader> reader, std::size_t read_size)
    : path_(std::move(path)), reader_(std::move(reader)), read_size_(std::clamp(read_size, kLeastRead, kMostRead)) {
  const std::size_t whole_pages = (kCarry + read_size_ + kPadding + kPage - 1) / kPage * kPage;
  buffer_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kPage, whole_pages)));
  if (!buffer_) throw std::bad_alloc();
  window_.at = window_.end = buffer_.get() + kCarry;
}

std::size_t CaptureReader::take_primed(Packet* out, std::size_t room, std::uint64_t number) {
  primed_ = false;
  out[0] = first_;
  out[0].number = number;
  return 1 + parse(out + 1, room - 1, number + 1);
}

void CaptureReader::prime() {
  while (!primed_) {
    primed_ = parse(&first_, 1, 1) == 1;
    if (!primed_ && fill() != Fill::more) return;
  }
}

const std::string& CaptureReader::parser_damage() const {
  static const std::string none;
  if (const auto* pcap = std::get_if<PcapParser>(&parser_)) return pcap->damage();
  if (const auto* pcapng = std::get_if<PcapngParser>(&parser_)) return pcapng->damage();
  return none;
}

CaptureReader::Fill CaptureReader::fail(std::string what) {
  if (!damage_) damage_ = CaptureWarning{path_, read_ - window_.size(), std::move(what)};
  ended_ = true;
  window_.end = window_.at;
  return Fill::end;
}

// The input has nothing more: what is left in the window is no whole record.
CaptureReader::Fill CaptureReader::finish() {
  if (std::holds_alternative<std::monostate>(parser_)) {
    const Bytes head{window_.at, window_.size()};
    if (head.empty()) return fail("the file is empty");
    const bool begins =
        head.size() >= 4 && (PcapParser::recognises(head.data()) || PcapngParser::recognises(head.data()));
    return fail(begins ? "the file ends within its header" : unknown_format(head));
  }
  if (window_.skip > 0 || window_.size() > 0) return fail("the file ends within a record");
  ended_ = true;
  return Fill::end;
}

bool CaptureReader::recognise() {
  if (window_.size() < 4) return true;
  if (PcapngParser::recognises(window_.at)) {
    parser_.emplace<PcapngParser>();
    return true;
  }
  if (!PcapParser::recognises(window_.at)) {
    fail(unknown_format({window_.at, window_.size()}));
    return false;
  }
  if (window_.size() < PcapParser::kFileHeader) return true;
  auto& pcap = parser_.emplace<PcapParser>();
  if (pcap.begin(window_)) return true;
  fail(pcap.damage());
  return false;
}

void CaptureReader::pass_over() {
  const std::size_t passed = std::min<std::uint64_t>(window_.skip, window_.size());
  window_.skip -= passed;
  window_.at += passed;
}

CaptureReader::Fill CaptureReader::fill() {
  if (ended_) return Fill::end;
  if (!parser_damage().empty()) return fail(parser_damage());
  std::uint8_t* const landing = buffer_.get() + kCarry;
  // Pipes give little at a time: go on behind it while there is room for as much again.
  std::uint8_t* to = const_cast<std::uint8_t*>(window_.end);
  std::size_t room = read_size_ - static_cast<std::size_t>(std::max<std::ptrdiff_t>(window_.end - landing, 0));
  if (window_.size() == 0 || room < read_size_ / 2) {
    const std::size_t left = window_.size();
    std::uint8_t* const front = landing - left;
    std::memmove(front, window_.at, left);
    window_.at = front;
    window_.end = to = landing;
    room = read_size_;
  }
  const ByteReader::Read got = reader_->read(to, room);
  switch (got.outcome) {
    case ByteReader::Outcome::again:
      return Fill::again;
    case ByteReader::Outcome::end:
      return finish();
    case ByteReader::Outcome::damage:
      return fail(reader_->damage());
    case ByteReader::Outcome::octets:
      break;
  }
  read_ += got.count;
  window_.end += got.count;
  if (window_.skip > 0) pass_over();
  if (std::holds_alternative<std::monostate>(parser_) && !recognise()) return Fill::end;
  return Fill::more;
}

bool CaptureReader::rewind() {
  if (!reader_->rewind()) return false;
  parser_.emplace<std::monostate>();
  window_ = Window{buffer_.get() + kCarry, buffer_.get() + kCarry, 0};
  read_ = 0;
  ended_ = primed_ = false;
  damage_.reset();
  return true;
}

}  // namespace spanbeat
