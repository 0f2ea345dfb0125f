// replace, truncate_fields: texts changed in place.
#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"

namespace spanbeat {
namespace {

// A replacement in Go's notation ($1, ${1}, $name, ${name}, $$) in RE2's (\1, \\). Names that the pattern does not
// have, and groups past its last, stand for nothing.
std::string rewrite_of(std::string_view replacement, const RE2& pattern) {
  std::string out;
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (std::size_t at = 0; at < replacement.size(); ++at) {
    const char c = replacement[at];
    if (c == '\\') {
      out += "\\\\";
      continue;
    }
    if (c != '$' || at + 1 == replacement.size()) {
      out += c;
      continue;
    }
    if (replacement[at + 1] == '$') {
      out += '$';
      ++at;
      continue;
    }
    const bool braced = replacement[at + 1] == '{';
    const std::size_t from = at + (braced ? 2 : 1);
    std::size_t end = from;
    while (end < replacement.size() && is_word(replacement[end])) ++end;
    if (end == from || (braced && (end == replacement.size() || replacement[end] != '}'))) {
      out += c;  // no name: a plain dollar sign
      continue;
    }
    const std::string name(replacement.substr(from, end - from));
    int group = -1;
    if (std::all_of(name.begin(), name.end(), [](char digit) { return digit >= '0' && digit <= '9'; })) {
      group = name.size() <= 2 ? std::stoi(name) : -1;
    } else if (const auto found = pattern.NamedCapturingGroups().find(name);
               found != pattern.NamedCapturingGroups().end()) {
      group = found->second;
    }
    // RE2's rewrites know one digit.
    if (group >= 0 && group <= std::min(9, pattern.NumberOfCapturingGroups())) out += "\\" + std::to_string(group);
    at = braced ? end : end - 1;
  }
  return out;
}

struct Replacement {
  std::string field;
  std::unique_ptr<RE2> pattern;
  std::string rewrite;
};

// fields [{field, pattern, replacement}], ignore_missing, fail_on_error (the first failure undoes the whole list).
class Replace final : public Processor {
 public:
  Replace(std::vector<Replacement> fields, bool ignore_missing, bool fail_on_error)
      : fields_(std::move(fields)), ignore_missing_(ignore_missing), fail_on_error_(fail_on_error) {
    if (!fail_on_error_ || fields_.size() < 2) return;
    std::vector<std::string> paths;
    for (const Replacement& field : fields_) paths.push_back(field.field);
    roots_ = root_names(paths);
  }

  Outcome run(Value& document) override {
    Backup backup(document, roots_);
    for (const Replacement& field : fields_) {
      std::string problem;
      if (replace(document, field, problem) || !fail_on_error_) continue;
      std::move(backup).restore(document);
      return failure(document, "Failed to replace fields in processor: " + problem);
    }
    return {};
  }

 private:
  bool replace(Value& document, const Replacement& field, std::string& problem) const {
    Value* value = document.find(field.field);
    if (value == nullptr) {
      problem = path_problem(document, field.field);
      if (ignore_missing_ && problem == "key not found") return true;
      problem = "could not fetch value for key: " + field.field + ", Error: " + problem;
      return false;
    }
    if (!value->is_string()) {
      problem = "key '" + field.field + "' expected type string, but got " + std::string(go_type_name(*value)) +
                " with value '" + go_text(*value) + "'";
      return false;
    }
    RE2::GlobalReplace(&value->string(), *field.pattern, field.rewrite);
    return true;
  }

  std::vector<Replacement> fields_;
  bool ignore_missing_;
  bool fail_on_error_;
  std::vector<std::string> roots_;
};

// The octets of the first `count` characters; octets that are no UTF-8 count as one each.
std::size_t characters_length(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (at < text.size() && count-- != 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  }
  return at;
}

// fields, max_bytes or max_characters, ignore_missing, fail_on_error. What was cut is told by "truncated" in log.flags.
// Packetbeat's documentation says that fail_on_error is on by default; in the program it is off, and so it is here.
class TruncateFields final : public Processor {
 public:
  struct Settings {
    std::vector<std::string> fields;
    std::size_t most = 0;
    bool characters = false;
    bool ignore_missing = false;
    bool fail_on_error = false;
  };
  explicit TruncateFields(Settings settings) : settings_(std::move(settings)) {
    if (!settings_.fail_on_error) return;
    std::vector<std::string> paths = settings_.fields;
    paths.emplace_back("log.flags");
    roots_ = root_names(paths);
  }

  Outcome run(Value& document) override {
    Backup backup(document, roots_);
    for (const std::string& field : settings_.fields) {
      if (truncate(document, field) || !settings_.fail_on_error) continue;
      std::move(backup).restore(document);
      return failure();
    }
    return {};
  }

 private:
  bool truncate(Value& document, const std::string& field) const {
    Value* value = document.find(field);
    if (value == nullptr) return settings_.ignore_missing && path_problem(document, field) == "key not found";
    if (!value->is_string()) return false;
    std::string& text = value->string();
    const std::size_t length =
        settings_.characters ? characters_length(text, settings_.most) : std::min(settings_.most, text.size());
    if (length == text.size()) return true;
    text.resize(length);
    (void)append_texts(document, "log.flags", {"truncated"});
    return true;
  }

  Settings settings_;
  std::vector<std::string> roots_;
};

}  // namespace

std::unique_ptr<Processor> make_replace(ProcessorOptions& options) {
  bool ignore_missing = false;
  bool fail_on_error = true;
  options.reader.read("ignore_missing", ignore_missing);
  options.reader.read("fail_on_error", fail_on_error);
  std::vector<Replacement> fields;
  options.each("fields", [&](SettingReader& reader) {
    Replacement made;
    made.field = required_text(reader, "field");
    const std::string pattern = required_text(reader, "pattern");
    std::string replacement;
    reader.read("replacement", replacement);
    if (reader.raw("replacement") == nullptr) {
      reader.diagnostics().error(*reader.section(), reader.prefix(),
                                 "missing replacement option in " + reader.prefix());
    }
    RE2::Options quiet;
    quiet.set_log_errors(false);
    made.pattern = std::make_unique<RE2>(pattern, quiet);
    if (!made.pattern->ok()) {
      reader.diagnostics().error(*reader.raw("pattern"), reader.key("pattern"),
                                 "error parsing regexp: " + made.pattern->error() + ": `" + pattern + "`");
      return;
    }
    made.rewrite = rewrite_of(replacement, *made.pattern);
    fields.push_back(std::move(made));
  });
  return std::make_unique<Replace>(std::move(fields), ignore_missing, fail_on_error);
}

std::unique_ptr<Processor> make_truncate_fields(ProcessorOptions& options) {
  TruncateFields::Settings settings;
  std::int64_t octets = 0;
  std::int64_t characters = 0;
  options.reader.read("fields", settings.fields);
  options.reader.read("max_bytes", octets, 0);
  options.reader.read("max_characters", characters, 0);
  options.reader.read("ignore_missing", settings.ignore_missing);
  options.reader.read("fail_on_error", settings.fail_on_error);
  const bool has_bytes = options.section().member("max_bytes") != nullptr;
  const bool has_characters = options.section().member("max_characters") != nullptr;
  if (has_bytes && has_characters)
    options.error("field max_bytes and max_characters are mutually exclusive in " + options.key());
  if (!has_bytes && !has_characters)
    options.error("missing option, select one from [max_bytes max_characters] in " + options.key());
  settings.characters = octets == 0;
  settings.most = static_cast<std::size_t>(settings.characters ? characters : octets);
  return std::make_unique<TruncateFields>(std::move(settings));
}

}  // namespace spanbeat
