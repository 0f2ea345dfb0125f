// The kernels of the head scan against each other and against a slow reading of the same head.
#include "decoders/http/head_scan.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>

#include "decoders/http/start_line.h"

namespace spanbeat::http {
namespace {

// Octets with the padding that every buffer has, filled with what would mislead a scan that looked at it.
class Padded {
 public:
  explicit Padded(std::string_view octets) : data_(new std::uint8_t[octets.size() + kPadding]), size_(octets.size()) {
    std::memcpy(data_.get(), octets.data(), size_);
    for (std::size_t i = 0; i < kPadding; ++i) data_[size_ + i] = static_cast<std::uint8_t>("\n\n:H"[i % 4]);
  }
  [[nodiscard]] Bytes view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_;
};

std::vector<ScanKernel> kernels() {
  std::vector<ScanKernel> all = {ScanKernel::plain, ScanKernel::sse};
  if (best_scan_kernel() == ScanKernel::avx2) all.push_back(ScanKernel::avx2);
  return all;
}

// Everything that a scan found, as text.
std::string describe(std::string_view octets, ScanKernel kernel, bool all_lines, std::string_view real_ip) {
  const Padded data(octets);
  HeaderLine lines[kMaxHeaderLines];
  ScanOptions options;
  options.real_ip = real_ip;
  options.lines = all_lines ? lines : nullptr;
  Head head;
  force_scan_kernel(kernel);
  const bool whole = scan_head(data.view(), options, head);
  std::string out =
      std::to_string(whole) + " " + std::to_string(head.size) + " " + std::to_string(head.start_line.size);
  const auto part = [&](Slice slice) { return std::string(octets.substr(slice.at, slice.size)); };
  for (std::size_t i = 0; i < kHeaders; ++i) {
    if (head.has(static_cast<Header>(i))) out += "\n" + std::to_string(i) + "=" + part(head.picked[i]);
  }
  for (std::size_t i = 0; i < head.line_count; ++i)
    out += "\n[" + part(lines[i].name) + "]=[" + part(lines[i].value) + "]";
  force_scan_kernel(best_scan_kernel());
  return out;
}

constexpr std::string_view kHead =
    "GET / HTTP/1.1\r\nhOST: example.com\r\nUser-Agent:\tagent \t \r\nX-Empty:\r\nReferer: r\r\nno colon here\r\n"
    "Content-Length: 12\r\nContent-Type:a/b\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nConnection: "
    "close\r\n"
    "Authorization: Basic x\r\nX-A-Very-Long-Header-Name-That-Is-Longer-Than-Thirty-Two: long\r\nX-Real: 1.2.3.4\r\n"
    "X-Folded: a\r\n\tb\r\nHost: second\r\n: nameless\r\nHosts: not host\r\n\r\nbody: not a header\r\n\r\n";

TEST(HttpHeadScan, FindsWhatIsWantedWhateverTheLetterCase) {
  for (const ScanKernel kernel : kernels()) {
    const Padded data(kHead);
    Head head;
    ScanOptions options;
    options.real_ip = "x-real";
    force_scan_kernel(kernel);
    ASSERT_TRUE(scan_head(data.view(), options, head));
    EXPECT_EQ(head.size, kHead.find("body"));
    EXPECT_EQ(head.start_line.size, 14U);
    EXPECT_EQ(head.value(Header::host, data.view()), "second");
    EXPECT_EQ(head.value(Header::user_agent, data.view()), "agent");
    EXPECT_EQ(head.value(Header::referer, data.view()), "r");
    EXPECT_EQ(head.value(Header::content_length, data.view()), "12");
    EXPECT_EQ(head.value(Header::content_type, data.view()), "a/b");
    EXPECT_EQ(head.value(Header::transfer_encoding, data.view()), "chunked");
    EXPECT_EQ(head.value(Header::content_encoding, data.view()), "gzip");
    EXPECT_EQ(head.value(Header::connection, data.view()), "close");
    EXPECT_EQ(head.value(Header::authorization, data.view()), "Basic x");
    EXPECT_EQ(head.value(Header::real_ip, data.view()), "1.2.3.4");
  }
  force_scan_kernel(best_scan_kernel());
}

TEST(HttpHeadScan, ListsEveryLineWhenAsked) {
  const std::string found = describe(kHead, ScanKernel::plain, true, "");
  EXPECT_NE(found.find("[X-A-Very-Long-Header-Name-That-Is-Longer-Than-Thirty-Two]=[long]"), std::string::npos)
      << found;
  EXPECT_NE(found.find("[X-Folded]=[a\r\n\tb]"), std::string::npos) << found;
  EXPECT_NE(found.find("[]=[nameless]"), std::string::npos) << found;
  EXPECT_EQ(found.find("no colon"), std::string::npos) << found;
}

TEST(HttpHeadScan, ALongRealAddressHeaderIsFound) {
  const std::string name = "x-a-very-long-header-name-that-is-longer-than-thirty-two";
  for (const ScanKernel kernel : kernels())
    EXPECT_NE(describe(kHead, kernel, false, name).find("9=long"), std::string::npos);
}

TEST(HttpHeadScan, ARealAddressHeaderMayHaveAnyName) {
  for (const ScanKernel kernel : kernels()) {
    for (const bool all : {false, true}) {
      for (const std::string_view name : {"ip", "x", "via", "user-ip", "content-ip", "host-address", "hos"}) {
        const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nContent-Type: b\r\nno-" + std::string(name) +
                                 ": wrong\r\n" + std::string(name) + ": found\r\n" + std::string(name) +
                                 "-not: wrong\r\nUser-Agent: c\r\n\r\n";
        const std::string marks = describe(head, kernel, all, name);
        EXPECT_NE(marks.find("\n4=b\n5=a\n8=c\n9=found"), std::string::npos) << marks;
        EXPECT_EQ(marks.find("=wrong"), std::string::npos) << marks;
      }
    }
  }
}

TEST(HttpHeadScan, AHeadThatIsCutAnywhereIsIncompleteAndNothingBehindItIsRead) {
  const std::size_t end = kHead.find("body");
  for (std::size_t size = 1; size < end; ++size) {
    for (const ScanKernel kernel : kernels()) {
      EXPECT_EQ(describe(kHead.substr(0, size), kernel, false, "").substr(0, 4), "0 0 ") << size;
    }
  }
}

TEST(HttpHeadScan, TheKernelsAgreeOnHeadsMadeOfPieces) {
  static constexpr std::string_view kPieces[] = {"Host: a",
                                                 "host:b",
                                                 "HOST :c",
                                                 "Content-Length: 5",
                                                 "content-length",
                                                 ": ",
                                                 ":",
                                                 " ",
                                                 "\t",
                                                 "\r",
                                                 "\n",
                                                 "\r\n",
                                                 "\r\n",
                                                 "\r\n",
                                                 "User-Agent: x y z",
                                                 "X-Real: 9",
                                                 "Connection: a, b",
                                                 "transfer-encoding: q",
                                                 "0123456789012345678901234567890123456789",
                                                 "Referer:",
                                                 "Content_Length: 1",
                                                 "GET / HTTP/1.1"};
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string head = "G";
    for (auto pieces = random() % 40; pieces > 0; --pieces) head += kPieces[random() % std::size(kPieces)];
    const bool all = round % 2 == 0;
    const std::string_view asked = round % 3 == 0 ? "x-real" : round % 3 == 1 ? "refer" : "";
    const std::string expected = describe(head, ScanKernel::plain, all, asked);
    for (const ScanKernel kernel : kernels()) ASSERT_EQ(describe(head, kernel, all, asked), expected) << head;
  }
}

TEST(HttpHeadScan, FindsTheEndOfAHead) {
  EXPECT_EQ(find_head_end(bytes("a\r\n\r\nb"), 0), 5U);
  EXPECT_EQ(find_head_end(bytes("a\n\nb"), 0), 3U);
  EXPECT_EQ(find_head_end(bytes("a\r\n\r"), 0), 0U);
  EXPECT_EQ(find_head_end(bytes("a\r\nb\r\n"), 0), 0U);
  EXPECT_EQ(find_head_end(bytes("a\r\n\r\n"), 2), 5U);
}

TEST(HttpStartLine, TellsRequestsResponsesAndNeither) {
  StartLine line = parse_start_line("GET /a b?c HTTP/1.1");
  EXPECT_EQ(line.kind, StartLine::Kind::request);
  EXPECT_EQ(line.target, "/a b?c");
  EXPECT_EQ(line.minor, 1);
  line = parse_start_line("M-SEARCH * HTTP/9.9  ");
  EXPECT_EQ(line.method, "M-SEARCH");
  EXPECT_EQ(line.minor, 0);
  line = parse_start_line("HTTP/1.0 404 Not Found");
  EXPECT_EQ(line.kind, StartLine::Kind::response);
  EXPECT_EQ(line.status, 404);
  EXPECT_EQ(line.phrase, "Not Found");
  EXPECT_EQ(parse_start_line("HTTP/1.1 200").status, 200);
  EXPECT_EQ(parse_start_line("HTTP/1.1 200 ").phrase, "");
  for (const std::string_view bad :
       {"", " ", "GET", "GET /", "GET HTTP/1.1", "GET  HTTP/1.1", "G(T / HTTP/1.1", "GET / HTTP", "GET / FTP/1.1",
        "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 abc", "HTTP/11 200 OK", "ICY 200 OK"}) {
    const StartLine parsed = parse_start_line(bad);
    EXPECT_TRUE(parsed.kind == StartLine::Kind::none || (bad == "GET  HTTP/1.1" && parsed.target.empty())) << bad;
  }
}

TEST(HttpStartLine, KnowsEarlyWhatCannotBecomeAMessage) {
  for (const std::string_view good : {"", "G", "HTTP", "HTTP/", "HTTP/1", "GET ", "VERSION-CONTROL /"}) {
    EXPECT_TRUE(may_start_message(bytes(good))) << good;
  }
  for (const std::string_view bad :
       {"\x16\x03", "GET\n", " GET", "HTTPS/1.1", "HTTP/2 ", "HTTP/1.0 x", "<html>", "\r\n"}) {
    EXPECT_FALSE(may_start_message(bytes(bad))) << bad;
  }
  EXPECT_FALSE(may_start_message(bytes(std::string(100, 'A'))));
}

}  // namespace
}  // namespace spanbeat::http
