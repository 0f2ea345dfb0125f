#include "dataplane/source/capture_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dataplane/source/capture_input.h"
#include "dataplane/source/replay.h"

namespace spanbeat {
namespace {

// All read buffers together; beyond it they would push each other out of the cache.
constexpr std::size_t kReadTotal = std::size_t{1} << 20;

using Readers = std::vector<std::unique_ptr<CaptureReader>>;

absl::StatusOr<Readers> open_all(const CaptureFileOptions& options, const Interrupter& interrupter) {
  Readers readers;
  if (options.paths.empty()) return absl::InvalidArgumentError("no capture file is named");
  if (std::count(options.paths.begin(), options.paths.end(), "-") > 1) {
    return absl::InvalidArgumentError("standard input can be named only once");
  }
  const std::size_t read_size = kReadTotal / options.paths.size();
  for (const std::string& path : options.paths) {
    auto reader = CaptureReader::open(path, interrupter, read_size);
    if (!reader.ok()) return reader.status();
    if (options.loops != 1 && !(*reader)->regular()) {
      return absl::InvalidArgumentError(absl::StrCat((*reader)->path(), ": a pipe cannot be read more than once"));
    }
    readers.push_back(std::move(*reader));
  }
  return readers;
}

// Whether anything can be read; with pipes only the first burst tells.
absl::Status look(const Readers& readers) {
  std::vector<std::string> unreadable;
  for (const auto& reader : readers) {
    if (!reader->regular()) continue;
    reader->prime();
    const auto& damage = reader->damage();
    if (damage && !reader->primed()) unreadable.push_back(reader->path() + ": " + damage->what);
  }
  if (unreadable.size() < readers.size()) return absl::OkStatus();
  return absl::DataLossError(absl::StrJoin(unreadable, "; "));
}

absl::StatusOr<int> open_terminal(const CaptureFileOptions& options) {
  if (!options.one_at_a_time) return -1;
  if (std::count(options.paths.begin(), options.paths.end(), "-") == 0) return STDIN_FILENO;
  const int terminal = ::open("/dev/tty", O_RDONLY | O_CLOEXEC);
  if (terminal >= 0) return terminal;
  return absl::InvalidArgumentError("-O needs a terminal when the packets come from standard input");
}

}  // namespace

std::string CaptureWarning::text() const { return absl::StrCat(path, ": ", what, " (at octet ", offset, ")"); }

absl::StatusOr<std::unique_ptr<CaptureFileSource>> open_capture_files(const CaptureFileOptions& options) {
  auto interrupter = std::make_unique<Interrupter>();
  auto readers = open_all(options, *interrupter);
  if (!readers.ok()) return readers.status();
  if (absl::Status looked = look(*readers); !looked.ok()) return looked;
  const auto terminal = open_terminal(options);
  if (!terminal.ok()) return terminal.status();

  std::unique_ptr<CaptureInput> input;
  if (readers->size() == 1) {
    input = std::make_unique<OneFile>(std::move(readers->front()), std::move(interrupter), options.loops);
  } else {
    input = std::make_unique<MergedFiles>(std::move(*readers), std::move(interrupter), options.loops);
  }
  if (options.full_speed && !options.one_at_a_time) return input;
  const ReplayOptions replay{
      .pace = !options.full_speed && !options.one_at_a_time, .keep_times = options.full_speed, .terminal = *terminal};
  return std::make_unique<ReplaySource>(std::move(input), replay);
}

}  // namespace spanbeat
