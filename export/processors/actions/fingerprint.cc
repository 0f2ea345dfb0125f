// fingerprint: one hash over several fields.
#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"
#include "export/processors/encodings.h"

namespace spanbeat {
namespace {

const std::vector<std::string> kMethods = {"md5", "sha1", "sha256", "sha384", "sha512", "xxhash"};
const std::vector<std::string> kEncodings = {"hex", "base32", "base64"};

std::string digest_of(const std::string& method, const std::string& text) {
  if (method == "xxhash") {
    XXH64_canonical_t canonical;
    XXH64_canonicalFromHash(&canonical, XXH64(text.data(), text.size(), 0));
    return {reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest};
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_get_digestbyname(method.c_str()), nullptr) != 1)
    return {};
  return {reinterpret_cast<const char*>(digest.data()), size};
}

// A list of texts alone is as good as a text; other lists and objects are not.
bool is_scalar(const Value& value) {
  if (value.is_object()) return false;
  return !value.is_array() ||
         std::all_of(value.array().begin(), value.array().end(), [](const Value& one) { return one.is_string(); });
}

// fields (in the order of their names, whatever is written), method, encoding, target_field, ignore_missing. What is
// hashed is "|name|value" of each, and a last "|".
class Fingerprint final : public Processor {
 public:
  struct Settings {
    std::vector<std::string> fields;
    std::string method = "sha256";
    std::string encoding = "hex";
    std::string target = "fingerprint";
    bool ignore_missing = false;
  };
  explicit Fingerprint(Settings settings) : settings_(std::move(settings)) {}

  Outcome run(Value& document) override {
    std::string text;
    for (const std::string& field : settings_.fields) {
      const Value* value = document.find(field);
      if (value == nullptr && settings_.ignore_missing) continue;
      if (value == nullptr || !is_scalar(*value)) return failure();
      text.append("|").append(field).append("|").append(go_text(*value));
    }
    text += '|';
    const std::string digest = digest_of(settings_.method, text);
    if (digest.empty()) return failure();
    std::string problem;
    return put_field(document, settings_.target, Value::of_string(encode(digest)), problem) ? Outcome{} : failure();
  }

 private:
  [[nodiscard]] std::string encode(const std::string& digest) const {
    if (settings_.encoding == "base32") return base32(bytes(digest));
    return settings_.encoding == "base64" ? base64(bytes(digest)) : hexadecimal(bytes(digest));
  }
  Settings settings_;
};

// One of the words, in any letter case.
void read_word(ProcessorOptions& options, std::string_view name, const char* what,
               const std::vector<std::string>& words, std::string& value) {
  std::string word = value;
  options.reader.read(name, word);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::find(words.begin(), words.end(), word) != words.end()) {
    value = word;
    return;
  }
  std::string all;
  for (const std::string& one : words) all += (all.empty() ? "" : ", ") + one;
  options.diagnostics().error(*options.reader.raw(name), options.reader.key(name),
                              "invalid fingerprinting " + std::string(what) + " [" + word + "]; write one of " + all);
}

}  // namespace

std::unique_ptr<Processor> make_fingerprint(ProcessorOptions& options) {
  Fingerprint::Settings settings;
  options.reader.read("fields", settings.fields);
  options.reader.read("target_field", settings.target);
  options.reader.read("ignore_missing", settings.ignore_missing);
  read_word(options, "method", "method", kMethods, settings.method);
  read_word(options, "encoding", "encoding", kEncodings, settings.encoding);
  if (settings.fields.empty()) {
    options.error("missing fields option in " + options.key());
    return nullptr;
  }
  std::sort(settings.fields.begin(), settings.fields.end());
  settings.fields.erase(std::unique(settings.fields.begin(), settings.fields.end()), settings.fields.end());
  return std::make_unique<Fingerprint>(std::move(settings));
}

}  // namespace spanbeat
