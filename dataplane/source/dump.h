// Writes the packets that pass to a capture file: `--dump FILE`.
//
// What:   PcapWriter writes a classic pcap file with nanoseconds (magic a1b23c4d), snapshot length 65535, buffered.
//         DumpSource stands before a worker and writes each packet that it passes on.
// Limits: one link type a file, that of the first packet. Packets of other link types are left out and counted
//         (dump_refused). After a failed write nothing more is written; `status()` says why.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dataplane/source/source.h"

namespace spanbeat {

class PcapWriter {
 public:
  // Creates or empties the file; "PATH: Permission denied" when that fails.
  static absl::StatusOr<std::unique_ptr<PcapWriter>> create(const std::string& path);
  ~PcapWriter();
  PcapWriter(const PcapWriter&) = delete;
  PcapWriter& operator=(const PcapWriter&) = delete;

  // False when the packet was left out for its link type.
  bool write(const Packet& packet);
  // Hands what is buffered to the system.
  void flush();
  // What went wrong first: "PATH: No space left on device".
  [[nodiscard]] const absl::Status& status() const { return status_; }

 private:
  PcapWriter(std::string path, int file);
  void append(const void* octets, std::size_t count);
  void begin(LinkType link);

  std::string path_;
  int file_;
  bool begun_ = false;
  LinkType link_ = LinkType::ethernet;
  std::vector<std::uint8_t> buffer_;
  std::size_t used_ = 0;
  absl::Status status_;
};

class DumpSource final : public Source {
 public:
  // `inner` outlives this source.
  DumpSource(Source& inner, std::unique_ptr<PcapWriter> writer);

  std::size_t burst(std::span<Packet, kBurst> packets) override;
  [[nodiscard]] State state() const override { return inner_.state(); }
  [[nodiscard]] bool live() const override { return inner_.live(); }
  [[nodiscard]] Time idle_time() const override { return inner_.idle_time(); }
  [[nodiscard]] unsigned backlog() const override { return inner_.backlog(); }
  void collect(Counters& counters) override;
  void interrupt() override { inner_.interrupt(); }
  // Of the writer; to be asked after the end.
  [[nodiscard]] const absl::Status& status() const { return writer_->status(); }

 private:
  Source& inner_;
  std::unique_ptr<PcapWriter> writer_;
  std::uint64_t refused_ = 0;
};

}  // namespace spanbeat
