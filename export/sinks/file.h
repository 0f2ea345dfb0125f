// output.file: documents in a file, one line each, rotated by size and by time.
//
// What:   files PATH/NAME-YYYYMMDD.ndjson, then NAME-YYYYMMDD-1.ndjson and so on. A new one begins at the first write
//         (rotate_on_startup), when the next document would pass rotate_every_kb, and at multiples of rotate_interval.
//         At most number_of_files stay; the oldest go, the one that is being written never.
// Why:    the names and rules are Packetbeat's, so that what ships or cleans up these files goes on working.
// Limits: rotation falls between documents, so a document larger than the limit makes a file that is. Every error of
// the
//         file system is retried. The date in a name is that of the file's beginning, in local time.
#pragma once

#include "base/settings.h"
#include "export/sinks/room_ahead.h"
#include "export/sinks/writing_sink.h"

namespace spanbeat {

struct FileOptions {
  std::string path;  // folder
  std::string filename = "packetbeat";
  std::uint64_t rotate_every_bytes = std::uint64_t{10240} << 10;
  std::size_t number_of_files = 7;
  std::uint32_t permissions = 0600;
  bool rotate_on_startup = true;
  Time rotate_interval = 0;  // 0: not by time
  bool durable = false;      // written means on the disk
};

// Reads output.file (spec/config.md section 11), or a section like it; what is not given stays as it is in `options`.
[[nodiscard]] FileOptions read_file_options(SettingReader& reader, FileOptions options = {});

class FileSink : public WritingSink {
 public:
  explicit FileSink(FileOptions options, Clock& clock = Clock::system());
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  [[nodiscard]] std::string_view name() const override { return "file"; }
  // Of large writes the page cache is made in large pieces; beyond that size they gain nothing more.
  [[nodiscard]] std::size_t wanted_bytes() const override { return std::size_t{512} << 10; }
  // Makes the folder; false, with errno set, when it cannot be made or written to.
  [[nodiscard]] bool prepare();
  // The file that is being written; empty before the first write.
  [[nodiscard]] const std::string& current() const { return current_; }

 protected:
  Written write(const Batch& batch, std::size_t offset, std::size_t document) override;
  void take_back(std::size_t octets) override;
  void close_medium() override;

 private:
  struct Existing {
    std::string name;
    std::string date;
    std::uint64_t number;
  };
  // Our files in the folder, oldest first.
  [[nodiscard]] std::vector<Existing> existing() const;
  [[nodiscard]] bool open_file(bool anew);
  void remove_oldest();
  [[nodiscard]] bool reached_the_disk() const;
  [[nodiscard]] Time interval_of(Time wall) const;

  FileOptions options_;
  int descriptor_ = -1;
  std::string current_;
  std::uint64_t size_ = 0;
  RoomAhead room_;
  Time interval_ = 0;  // which rotate_interval the file was begun in
};

}  // namespace spanbeat
