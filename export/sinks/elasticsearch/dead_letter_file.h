// Where documents go that the server refused: files of JSON lines, with the reason beside each document.
//
// What:   {"@timestamp": when, "index": where to, "error": {"status", "type", "reason"}, "document": {…}}, in files
// that
//         rotate as output.file's do; a line counts as written once the disk has it.
// Why:    whoever mends the mapping can send these documents again, and nothing that the server says can lose one.
// Limits: any thread writes, one at a time. What cannot be written is left to the caller, who tries again. Of files
// that
//         have rotated number_of_files are kept.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "export/sinks/file.h"

namespace spanbeat {

struct DeadLetter {
  Time refused;
  std::string_view index;  // as it stands in JSON
  int status;
  std::string_view reason;  // TYPE: REASON
  std::string_view document;
};

// Puts a letter behind those of the batch, as a document of it.
void append_letter(Batch& letters, const DeadLetter& letter);

class DeadLetterFile {
 public:
  explicit DeadLetterFile(FileOptions options, Clock& clock = Clock::system());

  // Makes the folder; false, with the reason in `problem`, when it cannot be written to.
  [[nodiscard]] bool prepare(std::string& problem);
  // How many of the letters, from the first on, are on the disk; `problem` says why not all.
  [[nodiscard]] std::size_t write(std::unique_ptr<Batch> letters, std::string& problem);

 private:
  std::mutex mutex_;
  FileOptions options_;
  Clock& clock_;
  std::unique_ptr<FileSink> file_;
};

}  // namespace spanbeat
