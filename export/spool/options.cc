#include "export/spool/options.h"

#include <algorithm>

namespace spanbeat {
namespace {

constexpr std::int64_t kLeastSize = 10'000'000;
constexpr std::int64_t kLeastSegment = 1'000'000;
// Where nothing bounds the queue.
constexpr std::int64_t kUsualSegment = 100'000'000;

}  // namespace

void read_spool_options(const Setting& root, Diagnostics& diagnostics, SpoolOptions& options) {
  const Setting* section = root.find("queue.disk");
  if (section == nullptr || section->is_null()) return;
  SettingReader reader(section, "queue.disk", diagnostics);
  bool enabled = true;
  reader.read("enabled", enabled);
  if (!section->is_map()) {
    diagnostics.error(*section, "queue.disk", section->describe() + " is no map; write queue.disk.max_size: 1GB");
    return;
  }
  const auto complain = [&](std::string_view name, const std::string& what) {
    const Setting* setting = reader.raw(name);
    diagnostics.error(setting != nullptr ? *setting : *section, reader.key(name),
                      (setting != nullptr ? setting->describe() : std::string("it is missing")) + what);
  };
  std::int64_t max_size = -1;
  reader.read_size("max_size", max_size);
  if (max_size != 0 && max_size < kLeastSize) {
    complain("max_size", "; write how much of the disk the queue may take, 10MB at least, or 0 for no bound");
  }
  std::int64_t segment = max_size > 0 ? std::max(max_size / 10, kLeastSegment) : kUsualSegment;
  reader.read_size("segment_size", segment);
  if (segment < kLeastSegment || (max_size > 0 && segment > max_size / 2)) {
    complain("segment_size", ": write a size from 1MB to half of queue.disk.max_size");
  }
  reader.read("path", options.path);
  reader.read("read_ahead", options.read_ahead, 1, std::int64_t{1} << 20);
  reader.read("write_ahead", options.write_ahead, 1, std::int64_t{1} << 20);
  reader.read_duration("retry_interval", options.retry_interval);
  options.max_retry_interval = std::max(options.max_retry_interval, options.retry_interval);
  reader.read_duration("max_retry_interval", options.max_retry_interval);
  if (options.retry_interval <= 0) complain("retry_interval", ": write a duration above zero such as 1s");
  if (options.max_retry_interval < options.retry_interval) {
    complain("max_retry_interval", ": write a duration that is not below queue.disk.retry_interval");
  }
  if (const Setting* memory = root.find("queue.mem"); memory != nullptr && !memory->is_null() && enabled) {
    diagnostics.error(*memory, "queue.mem", "there is queue.disk too; keep one of them");
  }
  options.max_size = static_cast<std::uint64_t>(std::max<std::int64_t>(max_size, 0));
  options.segment_size = static_cast<std::uint64_t>(std::max(segment, kLeastSegment));
  options.enabled = enabled;
}

}  // namespace spanbeat
