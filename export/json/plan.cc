#include "export/json/plan.h"

#include <atomic>

#include "export/document_id.h"
#include "export/json/value_writer.h"

namespace spanbeat {
namespace {

constexpr std::string_view kEcsVersion = "8.0.0";  // spec/events.md section 1

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

Value text_value(std::string_view text) { return Value::of_string(std::string(text)); }

Value list_of(const std::vector<std::string>& texts) {
  Value list = Value::of_array();
  for (const std::string& text : texts) list.array().push_back(text_value(text));
  return list;
}

// The strings of a JSON array of plain words, as in DecoderInfo.
std::vector<std::string> words_of(std::string_view json) {
  std::vector<std::string> words;
  for (std::size_t open = json.find('"'); open != std::string_view::npos; open = json.find('"')) {
    const std::size_t close = json.find('"', open + 1);
    if (close == std::string_view::npos) break;
    words.emplace_back(json.substr(open + 1, close - open - 1));
    json.remove_prefix(close + 1);
  }
  return words;
}

void merge_fields(Value& into, const Setting& fields) {
  if (fields.is_map()) into.merge(Value::of_setting(fields));
}

}  // namespace

Value root_fields(const ExportConfig& config, const StreamOptions& options) {
  Value fields = Value::of_object();
  if (config.fields_under_root) merge_fields(fields, config.fields);
  if (options.fields_under_root) merge_fields(fields, options.fields);
  // Not the configuration's to say.
  (void)fields.erase("@timestamp");
  (void)fields.erase("@metadata");
  return fields;
}

Value builtin_fields(const Identity& identity) {
  Value fields = Value::of_object();
  Value& agent = fields.make("agent");
  agent = Value::of_object();
  agent.make("ephemeral_id") = text_value(identity.ephemeral_id);
  agent.make("id") = text_value(identity.id);
  agent.make("name") = text_value(identity.name);
  agent.make("type") = text_value(identity.type);
  agent.make("version") = text_value(identity.version);
  Value ecs = Value::of_object();
  ecs.make("version") = text_value(kEcsVersion);
  fields.make("ecs") = std::move(ecs);
  Value host = Value::of_object();
  host.make("name") = text_value(identity.name);
  fields.make("host") = std::move(host);
  return fields;
}

StreamPlan::StreamPlan(const ExportConfig& config, const StreamOptions& options, bool with_builtins, JsonStyle& style)
    : id_(next_id()), is_flow_(options.info == nullptr), keep_null_(options.keep_null), values_(kFields) {
  const Identity& identity = config.identity;
  Value metadata = Value::of_object();
  if (config.document_id) metadata.make("_id") = text_value(DocumentIds::kNone);
  metadata.make("beat") = text_value(identity.type);
  if (!options.index.empty()) metadata.make("raw_index") = text_value(options.index);
  metadata.make("type") = text_value("_doc");
  metadata.make("version") = text_value(identity.version);
  set(Field::metadata, std::move(metadata), style);

  set(Field::event_kind, "event", style);
  if (is_flow_) {
    set(Field::type, "flow", style);
    set(Field::event_dataset, "flow", style);
    set(Field::event_action, "network_flow", style);
    set(Field::event_category, list_of({"network"}), style);
  } else {
    const DecoderInfo& info = *options.info;
    set(Field::type, info.name, style);
    set(Field::event_dataset, info.name, style);
    const auto category = words_of(info.event_category);
    if (!category.empty()) set(Field::event_category, list_of(category), style);
    const auto type = words_of(info.event_type);
    if (!type.empty()) set(Field::event_type, list_of(type), style);
    if (!info.network_protocol.empty()) set(Field::network_protocol, info.network_protocol, style);
  }

  std::vector<std::string> tags = config.tags;
  tags.insert(tags.end(), options.tags.begin(), options.tags.end());
  if (!tags.empty()) set(Field::tags, list_of(tags), style);
  Value fields = Value::of_object();
  if (!config.fields_under_root) merge_fields(fields, config.fields);
  if (!options.fields_under_root) merge_fields(fields, options.fields);
  if (!fields.object().empty()) set(Field::fields, std::move(fields), style);

  if (with_builtins) {
    const Value builtins = builtin_fields(identity);
    set(Field::agent, *builtins.member("agent"), style);
    set(Field::ecs_version, kEcsVersion, style);
    set(Field::host, *builtins.member("host"), style);
  }
}

void StreamPlan::set(Field field, Value value, JsonStyle& style) {
  const auto number = static_cast<std::size_t>(field);
  TextBuffer buffer;
  write_value_json(style, buffer, value);
  std::string_view text = buffer.view();
  if (is_quoted(kFieldInfo[number])) text = text.substr(1, text.size() - 2);
  auto copy = std::make_unique<char[]>(text.size() + kPadding);
  std::memcpy(copy.get(), text.data(), text.size());
  constants_.add(field);
  values_[number] = {std::string_view(copy.get(), text.size()), std::move(value)};
  texts_.push_back(std::move(copy));
}

}  // namespace spanbeat
