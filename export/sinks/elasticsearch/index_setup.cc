#include "export/sinks/elasticsearch/index_setup.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "export/document/json_reader.h"
#include "export/json/value_writer.h"
#include "export/sinks/elasticsearch/elasticsearch_client.h"
#include "export/sinks/elasticsearch/template_fields.h"

namespace spanbeat {
namespace {

constexpr std::string_view kJsonType = "application/json; charset=UTF-8";

Value text(std::string_view value) { return Value::of_string(std::string(value)); }

Value object_of(std::initializer_list<std::pair<std::string_view, Value>> members) {
  Value object = Value::of_object();
  for (const auto& [name, value] : members) object.make(name) = value;
  return object;
}

// JSON of our own making.
Value parsed(std::string_view json) {
  Value value;
  std::string problem;
  (void)parse_json(json, value, problem);
  return value;
}

std::string json_of(const Value& value) {
  TextBuffer buffer;
  JsonStyle style;
  write_value_json(style, buffer, value);
  return std::string(buffer.view());
}

bool read_json_file(const std::string& path, const char* setting, std::string& json, std::string& problem) {
  std::ifstream file(path, std::ios::binary);
  json.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  if (!file && json.empty()) {
    problem = std::string(setting) + ": " + path + " cannot be read";
    return false;
  }
  if (is_json(json)) return true;
  problem = std::string(setting) + ": " + path + " holds no JSON";
  return false;
}

Value dynamic_templates() {
  Value list = Value::of_array();
  const auto add = [&](std::string_view name, std::string_view path) {
    Value rule =
        object_of({{"mapping", object_of({{"type", text("keyword")}})}, {"match_mapping_type", text("string")}});
    if (path.empty()) {
      rule.make("mapping").make("ignore_above") = Value::of_integer(1024);
    } else {
      rule.make("path_match") = text(path);
    }
    list.array().push_back(object_of({{name, rule}}));
  };
  for (const char* parent : {"labels", "container.labels", "fields", "docker.container.labels", "amqp.headers",
                             "cassandra.response.supported", "http.request.headers", "http.response.headers"}) {
    add(parent, std::string(parent) + ".*");
  }
  add("strings_as_keyword", "");
  return list;
}

// Members below "properties" at each level of the dotted name.
void add_field(Value& properties, std::string_view name, Value mapping) {
  Value* level = &properties;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    Value& inner = level->make(name.substr(0, dot));
    if (!inner.is_object()) inner = Value::of_object();
    Value& below = inner.make("properties");
    if (!below.is_object()) below = Value::of_object();
    level = &below;
    name.remove_prefix(dot + 1);
  }
  level->make(name) = std::move(mapping);
}

// The server has no such thing, whatever the request was.
bool is_lacking(const HttpReply& reply) {
  return reply.status == 405 || reply.body.find("no handler found for uri") != std::string::npos ||
         reply.body.find("not supported") != std::string::npos;
}

// It stands in a URL; servers take hardly more.
bool is_policy_name(std::string_view name) {
  return !name.empty() && name.front() != '_' && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::string refused(const std::string& what, const HttpReply& reply) { return what + ": " + problem_of(reply); }

}  // namespace

IndexSetup read_index_setup(const Setting& root, const std::string& stream, Diagnostics& diagnostics) {
  IndexSetup setup;
  setup.template_name = stream;
  setup.template_pattern = stream;
  SettingReader own(root.find("setup.template"), "setup.template", diagnostics);
  own.read("enabled", setup.template_enabled);
  own.read("overwrite", setup.template_overwrite);
  own.read("name", setup.template_name);
  own.read("pattern", setup.template_pattern);
  own.read("priority", setup.priority, 0, 1'000'000);
  std::string type = "index";
  own.read("type", type);
  if (type != "index") diagnostics.error(*own.raw("type"), own.key("type"), "must be index: composable templates only");
  std::string fields;
  own.read("fields", fields);
  if (!fields.empty()) {
    diagnostics.error(
        *own.raw("fields"), own.key("fields"),
        "is not supported: the fields are built in; use append_fields, or json.path for a whole template");
  }
  if (const Setting* settings = own.raw("settings"); settings != nullptr && settings->is_map()) {
    setup.settings = Value::of_setting(*settings);
  }
  if (const Setting* more = own.raw("append_fields"); more != nullptr && !more->is_null()) {
    const bool good = more->is_list();
    if (!good) diagnostics.error(*more, own.key("append_fields"), "must be a list of {name, type}");
    for (const Setting& one : more->list()) {
      if (one.member("name") == nullptr || one.member("type") == nullptr) {
        diagnostics.error(one, own.key("append_fields"), "must be a list of {name, type}");
      }
    }
    if (good) setup.append_fields = Value::of_setting(*more);
  }
  bool json = false;
  std::string json_name;
  own.read("json.enabled", json);
  own.read("json.path", setup.json_path);
  own.read("json.name", json_name);
  if (!json) setup.json_path.clear();
  if (json && !json_name.empty()) setup.template_name = json_name;
  own.warn_unknown();
  SettingReader ilm(root.find("setup.ilm"), "setup.ilm", diagnostics);
  std::string enabled = "true";
  ilm.read("enabled", enabled);
  if (enabled != "true" && enabled != "false" && enabled != "auto") {
    diagnostics.error(*ilm.raw("enabled"), ilm.key("enabled"), "must be true, false or auto");
  }
  setup.ilm_enabled = enabled != "false";
  ilm.read("policy_name", setup.policy_name);
  if (!is_policy_name(setup.policy_name)) {
    diagnostics.error(*ilm.raw("policy_name"), ilm.key("policy_name"),
                      "must be letters, digits, '.', '_' and '-', and not begin with '_'");
  }
  ilm.read("policy_file", setup.policy_file);
  ilm.read("check_exists", setup.ilm_check_exists);
  ilm.read("overwrite", setup.ilm_overwrite);
  ilm.warn_unknown();
  return setup;
}

bool index_template(const IndexSetup& setup, bool with_ilm, bool with_data_stream, std::string& json,
                    std::string& problem) {
  if (!setup.json_path.empty()) return read_json_file(setup.json_path, "setup.template.json.path", json, problem);
  Value index = object_of({
      {"mapping", object_of({{"total_fields", object_of({{"limit", Value::of_integer(10000)}})}})},
      {"max_docvalue_fields_search", Value::of_integer(200)},
      {"query", object_of({{"default_field", parsed(kSearchedFields)}})},
      {"refresh_interval", text("5s")},
  });
  if (with_ilm) index.make("lifecycle") = object_of({{"name", text(setup.policy_name)}});
  if (const Value* own = setup.settings.member("index"); own != nullptr && own->is_object()) index.merge(*own);
  Value properties = parsed(kTemplateProperties);
  if (setup.append_fields.is_array()) {
    for (const Value& field : setup.append_fields.array()) {
      Value mapping = field;
      const Value name = mapping.member("name") != nullptr ? *mapping.member("name") : Value();
      (void)mapping.erase("name");
      if (name.is_string()) add_field(properties, name.string(), std::move(mapping));
    }
  }
  Value mappings = object_of({
      {"_meta", object_of({{"beat", text("packetbeat")}, {"version", text("8.1.0")}})},
      {"date_detection", Value::of_bool(false)},
      {"dynamic_templates", dynamic_templates()},
      {"properties", std::move(properties)},
  });
  if (const Value* source = setup.settings.member("_source")) mappings.make("_source") = *source;
  Value patterns = Value::of_array();
  patterns.array().push_back(text(setup.template_pattern));
  Value whole = Value::of_object();
  if (with_data_stream) whole.make("data_stream") = Value::of_object();
  whole.make("index_patterns") = std::move(patterns);
  whole.make("priority") = Value::of_integer(setup.priority);
  whole.make("template") =
      object_of({{"mappings", std::move(mappings)}, {"settings", object_of({{"index", std::move(index)}})}});
  json = json_of(whole);
  return true;
}

bool lifecycle_policy(const IndexSetup& setup, std::string& json, std::string& problem) {
  if (!setup.policy_file.empty()) return read_json_file(setup.policy_file, "setup.ilm.policy_file", json, problem);
  json = R"({"policy":{"phases":{"hot":{"actions":{"rollover":{"max_age":"30d","max_size":"50gb"}}}}}})";
  return true;
}

std::string index_pattern() {
  return json_of(object_of({{"attributes", object_of({{"fieldFormatMap", text(kPatternFormats)},
                                                      {"fields", text(kPatternFields)},
                                                      {"timeFieldName", text("@timestamp")},
                                                      {"title", text("packetbeat-*")}})},
                            {"id", text("packetbeat-*")},
                            {"type", text("index-pattern")},
                            {"version", text("8.1.0")}}));
}

bool set_up_indices(HttpClient& http, const IndexSetup& setup, bool force, const std::function<void(std::string)>& tell,
                    std::string& problem) {
  std::string json;
  bool with_ilm = setup.ilm_enabled;
  if (with_ilm) {
    const std::string path = "/_ilm/policy/" + setup.policy_name;
    const HttpReply known = http.request("GET", path);
    if (known.status == 0 || known.status == 401 || known.status == 403 || known.status == 429 || known.status >= 500) {
      problem = refused("the ILM policy cannot be asked for", known);
      return false;
    }
    bool lacking = known.status != 200 && (known.status != 404 || is_lacking(known));
    const bool wanted = known.status == 200 ? setup.ilm_overwrite : setup.ilm_check_exists;
    if (!lacking && wanted) {
      if (!lifecycle_policy(setup, json, problem)) return false;
      const HttpReply put = http.request("PUT", path, json, kJsonType);
      lacking = is_lacking(put);
      if (!lacking && !problem_of(put).empty()) {
        problem = refused("the ILM policy " + setup.policy_name + " was refused", put);
        return false;
      }
      if (!lacking) tell("the ILM policy " + setup.policy_name + " was put on the server");
    }
    if (lacking) {
      with_ilm = false;
      tell("the server has no index lifecycle management; going on without (setup.ilm.enabled: false says the same)");
    }
  }
  if (!setup.template_enabled) return true;
  const std::string path = "/_index_template/" + setup.template_name;
  if (!force && !setup.template_overwrite) {
    const HttpReply known = http.request("HEAD", path);
    if (known.status == 200) return true;
    if (known.status != 404) {
      problem = refused("the index template cannot be asked for", known);
      return false;
    }
  }
  for (const bool with_data_stream : {true, false}) {
    if (!index_template(setup, with_ilm, with_data_stream, json, problem)) return false;
    const HttpReply put = http.request("PUT", path, json, kJsonType);
    if (problem_of(put).empty()) {
      tell("the index template " + setup.template_name + " was put on the server" +
           (with_data_stream ? "" : ", which has no data streams: documents go to an index"));
      return true;
    }
    problem = refused("the index template " + setup.template_name + " was refused", put);
    // "unknown field [data_stream]": a server of the 7 series without that module.
    if (put.status != 400 || put.body.find("data_stream") == std::string::npos) return false;
  }
  return false;
}

}  // namespace spanbeat
