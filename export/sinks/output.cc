#include "export/sinks/output.h"

#include <algorithm>

#include "export/json/format_string.h"
#include "export/sinks/discard.h"

namespace spanbeat {
namespace {

// Documents are made and thrown away.
void read_discard_output(OutputSettings&, OutputConfig&) {}

struct Output {
  std::string_view name;
  void (*read)(OutputSettings&, OutputConfig&);
};

constexpr Output kOutputs[] = {
    {"console", read_console_output},   {"file", read_file_output},   {"elasticsearch", read_elasticsearch_output},
    {"logstash", read_logstash_output}, {"kafka", read_kafka_output}, {"redis", read_redis_output},
    {"discard", read_discard_output},
};

bool is_enabled(const Setting& section) {
  const Setting* enabled = section.member("enabled");
  return enabled == nullptr || enabled->is_null() || enabled->scalar_text() != "false";
}

}  // namespace

Codec read_codec(SettingReader& reader) {
  Codec codec;
  // Packetbeat's older spelling for the console.
  reader.read("pretty", codec.pretty);
  reader.read("codec.json.pretty", codec.pretty);
  reader.read("codec.json.escape_html", codec.escape_html);
  reader.read("codec.json.local_time", codec.local_time);
  reader.read("codec.format.string", codec.format);
  const Setting* given = reader.raw("codec");
  if (given != nullptr && given->is_map() && given->member("json") != nullptr && given->member("format") != nullptr) {
    reader.diagnostics().error(*given, reader.key("codec"), "both json and format; keep one of them");
  }
  std::string problem;
  if (!codec.format.empty() && !FormatString::parse(codec.format, problem)) {
    reader.diagnostics().error(*reader.raw("codec.format.string"), reader.key("codec.format.string"), problem);
  }
  return codec;
}

OutputConfig read_output_section(const std::string& name, const Setting& section, const std::string& key,
                                 const Setting& root, const OutputContext& context, Diagnostics& diagnostics) {
  OutputConfig config;
  const auto* output =
      std::find_if(std::begin(kOutputs), std::end(kOutputs), [&](const Output& o) { return o.name == name; });
  if (output == std::end(kOutputs)) {
    const std::string before = key.substr(0, key.size() - name.size());
    std::vector<std::string> names;
    std::string all;
    for (const Output& o : kOutputs) {
      names.emplace_back(o.name);
      all += (all.empty() ? "" : ", ") + before + std::string(o.name);
    }
    const std::string near = nearest_name(name, names);
    diagnostics.error(
        section, key,
        "there is no such output; " + (near.empty() ? "there are " + all : "did you mean " + before + near + "?"));
    return config;
  }
  SettingReader reader(&section, key, diagnostics);
  reader.known("enabled");
  // Nothing to these two; Packetbeat takes them for every output.
  reader.known("bulk_max_size");
  reader.known("worker");
  config.name = name;
  OutputSettings settings{reader, root, context};
  output->read(settings, config);
  reader.warn_unknown();
  return config;
}

OutputConfig read_output(const Setting& root, const OutputContext& context, Diagnostics& diagnostics) {
  const Setting* outputs = root.member("output");
  std::vector<std::pair<std::string, const Setting*>> enabled;
  if (outputs != nullptr) {
    for (const auto& [name, section] : outputs->map()) {
      if (is_enabled(section)) enabled.emplace_back(name, &section);
    }
  }
  if (enabled.empty()) {
    const std::string problem = "no outputs are defined; name one, such as output.console or output.file";
    if (outputs != nullptr) {
      diagnostics.error(*outputs, "output", problem);
    } else {
      diagnostics.error("output: " + problem);
    }
    return {};
  }
  if (enabled.size() > 1) {
    diagnostics.error(
        *enabled[1].second, "output." + enabled[1].first,
        "a second output beside output." + enabled[0].first +
            ": more than one namespace configured accessing 'output'; keep one, disable one with enabled: false, or "
            "move one to spanbeat.outputs");
    return {};
  }
  const auto& [name, section] = enabled.front();
  return read_output_section(name, *section, "output." + name, root, context, diagnostics);
}

std::unique_ptr<Sink> make_sink(const OutputConfig& config, std::string& problem, Clock& clock) {
  return config.make ? config.make(problem, clock) : std::make_unique<DiscardSink>();
}

}  // namespace spanbeat
