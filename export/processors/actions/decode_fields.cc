// decode_base64_field, decompress_gzip_field and urldecode: texts that stand for other texts.
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"
#include "export/processors/encodings.h"

namespace spanbeat {
namespace {

struct FromTo {
  std::string from;
  std::string to;
};

// What one of the three does to a text; false, with Beats' words for the reason, when the text is nothing of the kind.
using Decode = bool (*)(const FromTo& field, const Value& value, std::string& out, std::string& problem);

bool needs_string(const Value& value, std::string& problem) {
  if (value.is_string()) return true;
  problem = "invalid type for `from`, expecting a string received " + std::string(go_type_name(value));
  return false;
}

bool decode_base64_text(const FromTo&, const Value& value, std::string& out, std::string& problem) {
  if (!needs_string(value, problem)) return false;
  std::size_t bad_at = 0;
  if (decode_base64(value.string(), out, bad_at)) return true;
  problem =
      "error trying to decode " + value.string() + ": illegal base64 data at input byte " + std::to_string(bad_at);
  return false;
}

bool decode_url_text(const FromTo&, const Value& value, std::string& out, std::string& problem) {
  if (!needs_string(value, problem)) return false;
  std::string_view bad;
  if (decode_percent(value.string(), out, bad)) return true;
  problem = "error trying to URL-decode " + value.string() + ": invalid URL escape \"" + std::string(bad) + "\"";
  return false;
}

bool decode_gzip_text(const FromTo& field, const Value& value, std::string& out, std::string& problem) {
  if (!value.is_string()) {
    problem = "cannot decompress type " + go_text(value);
    return false;
  }
  std::string why;
  if (gunzip(value.string(), out, why)) return true;
  problem = (why == "gzip: invalid header" || why == "EOF" ? "error decompressing field " + field.from
                                                           : std::string("error while decompressing field")) +
            ": " + why;
  return false;
}

// The same frame for all: field(s) {from, to}, ignore_missing, fail_on_error (the first failure undoes the list and is
// told in error.message). Without `to` the text is replaced.
class DecodeFields final : public Processor {
 public:
  struct Words {
    const char* failed;   // before the reason, in error.message
    const char* missing;  // before the name of a field that is not there
  };
  DecodeFields(Decode decode, Words words, std::vector<FromTo> fields, bool ignore_missing, bool fail_on_error)
      : decode_(decode),
        words_(words),
        fields_(std::move(fields)),
        ignore_missing_(ignore_missing),
        fail_on_error_(fail_on_error) {
    if (!fail_on_error_ || fields_.size() < 2) return;
    std::vector<std::string> paths;
    for (const FromTo& field : fields_) paths.push_back(field.to);
    roots_ = root_names(paths);
  }

  Outcome run(Value& document) override {
    Backup backup(document, roots_);
    for (const FromTo& field : fields_) {
      std::string problem;
      if (decode_one(document, field, problem) || !fail_on_error_) continue;
      std::move(backup).restore(document);
      return failure(document, words_.failed + problem);
    }
    return {};
  }

 private:
  bool decode_one(Value& document, const FromTo& field, std::string& problem) const {
    const Value* value = nullptr;
    const PathResult result = document.find(field.from, value);
    if (result != PathResult::found) {
      if (result == PathResult::not_found && ignore_missing_) return true;
      problem = words_.missing + field.from + ", Error: " + path_problem(document, field.from);
      return false;
    }
    std::string decoded;
    if (!decode_(field, *value, decoded, problem)) return false;
    Value made = Value::of_string(std::move(decoded));
    std::string why;
    if (put_field(document, field.to, std::move(made), why)) return true;
    // What was not put was not moved. NOLINTNEXTLINE(bugprone-use-after-move)
    problem = "could not put value: " + made.string() + ": " + field.to + ", " + why;
    return false;
  }

  Decode decode_;
  Words words_;
  std::vector<FromTo> fields_;
  bool ignore_missing_;
  bool fail_on_error_;
  std::vector<std::string> roots_;
};

std::unique_ptr<Processor> make_decoder(ProcessorOptions& options, std::string_view list, Decode decode,
                                        DecodeFields::Words words, bool needs_target) {
  bool ignore_missing = false;
  bool fail_on_error = true;
  options.reader.read("ignore_missing", ignore_missing);
  options.reader.read("fail_on_error", fail_on_error);
  std::vector<FromTo> fields;
  options.each(list, [&](SettingReader& reader) {
    FromTo field;
    field.from = required_text(reader, "from");
    if (needs_target) {
      field.to = required_text(reader, "to");
    } else {
      reader.read("to", field.to);
    }
    if (field.to.empty()) field.to = field.from;
    fields.push_back(std::move(field));
  });
  return std::make_unique<DecodeFields>(decode, words, std::move(fields), ignore_missing, fail_on_error);
}

}  // namespace

std::unique_ptr<Processor> make_decode_base64_field(ProcessorOptions& options) {
  return make_decoder(options, "field", decode_base64_text,
                      {"failed to decode base64 fields in processor: ", "could not fetch base64 value for key: "},
                      false);
}

std::unique_ptr<Processor> make_urldecode(ProcessorOptions& options) {
  return make_decoder(options, "fields", decode_url_text,
                      {"failed to decode fields in urldecode processor: ", "could not fetch value for key: "}, false);
}

std::unique_ptr<Processor> make_decompress_gzip_field(ProcessorOptions& options) {
  return make_decoder(
      options, "field", decode_gzip_text,
      {"failed to decompress field in decompress_gzip_field processor: ", "could not fetch value for key: "}, true);
}

}  // namespace spanbeat
