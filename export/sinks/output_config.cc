#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "export/json/format_string.h"
#include "export/sinks/console.h"
#include "export/sinks/discard.h"
#include "export/sinks/file.h"

namespace spanbeat {
namespace {

// Packetbeat's outputs, and which of them are built in.
const std::vector<std::string> kBuilt = {"console", "file"};
const std::vector<std::string> kLater = {"elasticsearch", "logstash", "kafka", "redis", "discard"};

bool is_enabled(const Setting& section) {
  const Setting* enabled = section.member("enabled");
  return enabled == nullptr || enabled->is_null() || enabled->scalar_text() != "false";
}

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

void read_permissions(SettingReader& reader, std::uint32_t& permissions) {
  const Setting* given = reader.raw("permissions");
  if (given == nullptr) return;
  std::int64_t number = -1;
  if (given->kind() == Setting::Kind::integer) {
    number = given->integer();
  } else if (given->is_string()) {
    const std::string& digits = given->string();
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number, 8);
    if (result.ec != std::errc{} || result.ptr != digits.data() + digits.size()) number = -1;
  }
  if (number < 0 || number > 0777) {
    reader.diagnostics().error(*given, reader.key("permissions"),
                               given->describe() + " are no permissions; write an octal number such as 0600");
  } else {
    permissions = static_cast<std::uint32_t>(number);
  }
}

void read_file(SettingReader& reader, OutputConfig& config) {
  reader.read("path", config.path);
  if (config.path.empty()) {
    reader.diagnostics().error(*reader.section(), reader.key("path"), "missing; name the folder for the files");
  }
  reader.read("filename", config.filename);
  if (config.filename.empty() || config.filename.find('/') != std::string::npos) {
    reader.diagnostics().error(*reader.section(), reader.key("filename"), "must be a name without '/'");
  }
  reader.read("rotate_every_kb", config.rotate_every_kb, 1, std::int64_t{1} << 40);
  reader.read("number_of_files", config.number_of_files, 2, 1024);
  read_permissions(reader, config.permissions);
  reader.read("rotate_on_startup", config.rotate_on_startup);
  reader.read_duration("rotate_interval", config.rotate_interval);
  if (config.rotate_interval != 0 && config.rotate_interval < kSecond) {
    reader.diagnostics().error(*reader.raw("rotate_interval"), reader.key("rotate_interval"),
                               "must be at least 1s, or 0 for no rotation by time");
  }
}

}  // namespace

OutputConfig read_output(const Setting& root, Diagnostics& diagnostics) {
  OutputConfig config;
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
    return config;
  }
  if (enabled.size() > 1) {
    diagnostics.error(
        *enabled[1].second, "output." + enabled[1].first,
        "a second output beside output." + enabled[0].first +
            ": more than one namespace configured accessing 'output'; keep one, or disable one with enabled: false");
    return config;
  }
  const auto& [name, section] = enabled.front();
  SettingReader reader(section, "output." + name, diagnostics);
  reader.known("enabled");
  // Nothing to these two; Packetbeat takes them for every output.
  reader.known("bulk_max_size");
  reader.known("worker");
  if (name == "console") {
    config.kind = OutputConfig::Kind::console;
    config.codec = read_codec(reader);
  } else if (name == "file") {
    config.kind = OutputConfig::Kind::file;
    config.codec = read_codec(reader);
    read_file(reader, config);
  } else if (std::find(kLater.begin(), kLater.end(), name) != kLater.end()) {
    diagnostics.error(*section, "output." + name, "is not built in yet; use output.file or output.console");
    return config;
  } else {
    std::vector<std::string> all = kBuilt;
    all.insert(all.end(), kLater.begin(), kLater.end());
    const std::string near = nearest_name(name, all);
    diagnostics.error(*section, "output." + name,
                      "there is no such output" + (near.empty() ? std::string("; use output.file or output.console")
                                                                : "; did you mean output." + near + "?"));
    return config;
  }
  reader.warn_unknown();
  return config;
}

std::unique_ptr<Sink> make_sink(const OutputConfig& config, std::string& problem, Clock& clock) {
  switch (config.kind) {
    case OutputConfig::Kind::none:
      return std::make_unique<DiscardSink>();
    case OutputConfig::Kind::console:
      return std::make_unique<ConsoleSink>(STDOUT_FILENO, clock);
    case OutputConfig::Kind::file:
      break;
  }
  FileOptions options;
  options.path = config.path;
  options.filename = config.filename;
  options.rotate_every_bytes = static_cast<std::uint64_t>(config.rotate_every_kb) << 10;
  options.number_of_files = static_cast<std::size_t>(config.number_of_files);
  options.permissions = config.permissions;
  options.rotate_on_startup = config.rotate_on_startup;
  options.rotate_interval = config.rotate_interval;
  auto sink = std::make_unique<FileSink>(options, clock);
  if (!sink->prepare()) {
    problem = "output.file.path: cannot write to " + config.path + ": " + std::strerror(errno);
    return nullptr;
  }
  return sink;
}

}  // namespace spanbeat
