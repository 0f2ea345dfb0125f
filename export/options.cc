#include "export/options.h"

#include <algorithm>
#include <cctype>

namespace spanbeat {
namespace {

// `fields` and `fields_under_root`, wherever they stand. Members that are null are left out, as Packetbeat does; nulls
// further down stay.
void read_fields(SettingReader& reader, Setting& fields, bool& under_root) {
  reader.read("fields_under_root", under_root);
  const Setting* given = reader.raw("fields");
  if (given == nullptr || given->is_null()) return;
  if (!given->is_map()) {
    reader.diagnostics().error(*given, reader.key("fields"), given->describe() + " is no map; write name: value pairs");
    return;
  }
  fields = *given;
  std::erase_if(fields.map(), [](const auto& member) { return member.second.is_null(); });
}

}  // namespace

void read_export_config(const Setting& root, Diagnostics& diagnostics, ExportConfig& config) {
  SettingReader reader(&root, "", diagnostics);
  std::string name;
  reader.read("name", name);
  if (!name.empty()) config.identity.name = name;
  reader.read("tags", config.tags);
  read_fields(reader, config.fields, config.fields_under_root);
  config.processors = ProcessorChain::create(reader.raw("processors"), reader.key("processors"), diagnostics);

  // Packetbeat's code reads packetbeat.ignore_outgoing; its documentation says packetbeat.interfaces.ignore_outgoing.
  reader.read("packetbeat.interfaces.ignore_outgoing", config.ignore_outgoing);
  reader.read("packetbeat.ignore_outgoing", config.ignore_outgoing);
  std::vector<std::string> networks;
  constexpr std::string_view kInternal = "packetbeat.interfaces.internal_networks";
  reader.read(kInternal, networks);
  for (const std::string& entry : networks) {
    if (config.internal_networks.add(entry)) continue;
    const std::string near = nearest_name(entry, NetworkList::names());
    diagnostics.error(*reader.raw(kInternal), reader.key(kInternal),
                      "\"" + entry + "\" is no network; write a CIDR such as 10.0.0.0/8 or a name such as " +
                          (near.empty() ? "private" : near));
  }

  auto& queue = config.queue;
  reader.read("queue.mem.events", queue.events, 32, std::int64_t{1} << 24);
  queue.min_events = std::min(queue.min_events, queue.events);
  reader.read("queue.mem.flush.min_events", queue.min_events, 0, queue.events);
  reader.read_duration("queue.mem.flush.timeout", queue.flush_timeout);
  queue.flush_timeout = std::max<Time>(queue.flush_timeout, 0);
}

StreamOptions read_stream_options(SettingReader& reader, const DecoderInfo* info) {
  StreamOptions options;
  options.info = info;
  reader.read("index", options.index);
  std::transform(options.index.begin(), options.index.end(), options.index.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  reader.read("tags", options.tags);
  read_fields(reader, options.fields, options.fields_under_root);
  reader.read("keep_null", options.keep_null);
  options.processors = ProcessorChain::create(reader.raw("processors"), reader.key("processors"), reader.diagnostics());
  return options;
}

}  // namespace spanbeat
