#include "export/outputs.h"

#include <algorithm>

#include "export/sinks/fan_out.h"
#include "export/spool/spool_sink.h"

namespace spanbeat {
namespace {

constexpr const char* kFurther = "spanbeat.outputs";

bool same(const Codec& a, const Codec& b) {
  return a.pretty == b.pretty && a.escape_html == b.escape_html && a.local_time == b.local_time && a.format == b.format;
}

void read_further(const Setting& root, const OutputContext& context, Diagnostics& diagnostics, OutputsConfig& config) {
  const Setting* list = root.find(kFurther);
  if (list == nullptr || list->is_null()) return;
  if (!list->is_list()) {
    diagnostics.error(*list, kFurther,
                      list->describe() + " is no list; write one entry for each output: - kafka: {hosts: [\"…\"]}");
    return;
  }
  std::vector<std::string> labels = {config.first.name};
  for (std::size_t i = 0; i < list->list().size(); ++i) {
    const Setting& entry = list->list()[i];
    const std::string key = std::string(kFurther) + "." + std::to_string(i);
    if (!entry.is_map() || entry.map().size() != 1) {
      diagnostics.error(entry, key, "write exactly one output in each entry, such as - file: {path: /var/spool/copy}");
      continue;
    }
    const auto& [name, section] = entry.map().front();
    const Setting* enabled = section.member("enabled");
    if (enabled != nullptr && enabled->scalar_text() == "false") continue;
    OutputsConfig::Further one;
    one.output = read_output_section(name, section, key + "." + name, root, context, diagnostics);
    if (!same(one.output.codec, config.first.codec)) {
      diagnostics.error(section, key + "." + name,
                        "its codec or escape_html is not that of output." + config.first.name +
                            "; every output gets the same documents, so write both alike");
    }
    const auto others =
        std::count_if(labels.begin(), labels.end(), [&](const std::string& label) { return label == name; });
    labels.push_back(name);
    one.label = others == 0 ? name : name + "-" + std::to_string(others + 1);
    config.further.push_back(std::move(one));
  }
}

// The output's sink, behind its disk queue if there is one.
std::unique_ptr<Sink> make_one(const OutputConfig& output, const SpoolOptions& spool, const std::string& folder,
                               const OutputContext& context, std::string& problem, Clock& clock) {
  std::unique_ptr<Sink> sink = make_sink(output, problem, clock);
  if (sink == nullptr || !spool.enabled) return sink;
  SpoolOptions options = spool;
  options.path = (spool.path.empty() ? context.data_path + "/diskqueue" : spool.path) + folder;
  return make_spool_sink(std::move(sink), options, context.remarks, clock, problem);
}

}  // namespace

OutputsConfig read_outputs(const Setting& root, const OutputContext& context, Diagnostics& diagnostics) {
  OutputsConfig config;
  config.first = read_output(root, context, diagnostics);
  read_further(root, context, diagnostics, config);
  read_spool_options(root, diagnostics, config.spool);
  return config;
}

std::unique_ptr<Sink> make_outputs(const OutputsConfig& config, const ExportConfig& exporting,
                                   const OutputContext& context, std::string& problem, Clock& clock) {
  auto first = make_one(config.first, config.spool, "", context, problem, clock);
  if (first == nullptr || config.further.empty()) return first;
  std::vector<FanOutSink::Branch> branches;
  branches.push_back({config.first.name, std::move(first)});
  for (const OutputsConfig::Further& one : config.further) {
    auto sink = make_one(one.output, config.spool, "/" + one.label, context, problem, clock);
    if (sink == nullptr) {
      problem = "spanbeat.outputs: " + one.label + ": " + problem;
      return nullptr;
    }
    branches.push_back({one.label, std::move(sink)});
  }
  return std::make_unique<FanOutSink>(std::move(branches), static_cast<std::size_t>(exporting.queue.events),
                                      exporting.wait_when_full, clock);
}

}  // namespace spanbeat
