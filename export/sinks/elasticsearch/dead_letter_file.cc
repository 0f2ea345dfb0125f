#include "export/sinks/elasticsearch/dead_letter_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "export/json/escape.h"
#include "export/json/scalars.h"

namespace spanbeat {
namespace {

void append_escaped(TextBuffer& out, std::string_view text) {
  char* at = out.room(out.end(), escaped_room(text.size()));
  out.finish(escape_plain(text.data(), text.size(), at));
}

}  // namespace

void append_letter(Batch& letters, const DeadLetter& letter) {
  TextBuffer& text = letters.text;
  const std::size_t begin = text.size();
  const std::size_t colon = letter.reason.find(": ");
  const bool typed = colon != std::string_view::npos;
  std::string_view document = letter.document;
  while (document.ends_with('\n')) document.remove_suffix(1);
  char time[kScalarRoom];
  text.append("{\"@timestamp\":\"");
  text.append({time, static_cast<std::size_t>(DateWriter().write(letter.refused, time) - time)});
  text.append("\",\"index\":\"");
  text.append(letter.index);
  text.append("\",\"error\":{\"status\":");
  text.append(std::to_string(letter.status));
  text.append(",\"type\":\"");
  append_escaped(text, typed ? letter.reason.substr(0, colon) : std::string_view());
  text.append("\",\"reason\":\"");
  append_escaped(text, typed ? letter.reason.substr(colon + 2) : letter.reason);
  text.append("\"},\"document\":");
  text.append(document);
  text.append("}\n");
  letters.documents.push_back({begin, text.size() - begin, letter.refused, ProtocolId{}, DocumentState::pending});
}

DeadLetterFile::DeadLetterFile(FileOptions options, Clock& clock)
    : options_(std::move(options)), clock_(clock), file_(std::make_unique<FileSink>(options_, clock_)) {}

bool DeadLetterFile::prepare(std::string& problem) {
  if (file_->prepare()) return true;
  problem = "output.elasticsearch.non_indexable_policy.dead_letter_file.path: cannot write to " + options_.path + ": " +
            std::strerror(errno);
  return false;
}

std::size_t DeadLetterFile::write(std::unique_ptr<Batch> letters, std::string& problem) {
  const std::lock_guard lock(mutex_);
  const std::size_t count = letters->documents.size();
  file_->offer(letters);
  if (file_->settled(0) != nullptr) return count;
  const int reason = errno;
  std::size_t written = 0;
  for (const auto& batch : file_->close()) {
    written = static_cast<std::size_t>(
        std::count_if(batch->documents.begin(), batch->documents.end(),
                      [](const Batch::Document& d) { return d.state == DocumentState::acknowledged; }));
  }
  // The next attempt goes on with the same file; when it comes is for the connection's back-off to say.
  if (!file_->current().empty()) options_.rotate_on_startup = false;
  file_ = std::make_unique<FileSink>(options_, clock_);
  problem = "cannot write to the dead-letter file in " + options_.path + " (" + std::strerror(reason) +
            "); make room, or see to its permissions; what was refused waits for it";
  return written;
}

}  // namespace spanbeat
