// rate_limit and add_id: processors that count.
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"
#include "export/processors/encodings.h"

namespace spanbeat {
namespace {

// limit ("n/s", "n/m", "n/h"), fields (one bucket for each set of values), algorithm.token_bucket.burst_multiplier.
// What comes too fast is dropped. Time is the documents' own (@timestamp, which never runs back here), so that a
// capture file gives the same documents however fast it is read.
class RateLimit final : public Processor {
 public:
  // Buckets held at most; the one that was not asked for the longest is forgotten first.
  static constexpr std::size_t kMaxBuckets = 65536;
  // Longer keys are kept as their hash.
  static constexpr std::size_t kMaxKey = 64;

  RateLimit(double per_second, double depth, std::vector<std::string> fields)
      : per_second_(per_second), depth_(depth), fields_(std::move(fields)) {}

  Outcome run(Value& document) override {
    std::string key;
    for (const std::string& field : fields_) {
      const Value* value = document.find(field);
      key += value != nullptr ? go_text(*value) : std::string();
      key += '\0';
    }
    if (key.size() > kMaxKey) key = digest_of(key);
    const Value* timestamp = document.member("@timestamp");
    const std::lock_guard guard(mutex_);
    if (timestamp != nullptr && timestamp->kind() == Value::Kind::time) now_ = std::max(now_, timestamp->time());
    Bucket& bucket = bucket_of(key);
    const double waited = static_cast<double>(now_ - bucket.replenished) / static_cast<double>(kSecond);
    bucket.tokens = std::min(depth_, bucket.tokens + waited * per_second_);
    bucket.replenished = now_;
    if (bucket.tokens < 1) return {Verdict::drop, false};
    bucket.tokens -= 1;
    return {};
  }

 private:
  struct Bucket {
    std::string key;
    double tokens;
    Time replenished;
  };

  static std::string digest_of(const std::string& key) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
  }
  Bucket& bucket_of(const std::string& key) {
    if (const auto known = index_.find(key); known != index_.end()) {
      recent_.splice(recent_.begin(), recent_, known->second);
      return recent_.front();
    }
    if (recent_.size() == kMaxBuckets) {
      index_.erase(recent_.back().key);
      recent_.pop_back();
    }
    recent_.push_front({key, depth_, now_});
    index_.emplace(recent_.front().key, recent_.begin());
    return recent_.front();
  }

  double per_second_;
  double depth_;
  std::vector<std::string> fields_;
  std::mutex mutex_;  // several exporters may share a chain
  Time now_ = 0;
  std::list<Bucket> recent_;
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> index_;
};

// target_field ("@metadata._id"), type (elasticsearch): a new identifier of 20 URL-safe characters in every document.
class AddId final : public Processor {
 public:
  // `own`: what tells this one from others of the same configuration.
  AddId(std::string target, std::string own) : target_(std::move(target)), seed_(std::move(own)) {}

  void begin(const ProcessorEnvironment& environment) override { seed_ = environment.id_seed + "\n" + seed_; }

  Outcome run(Value& document) override {
    std::string problem;
    return put_field(document, target_, Value::of_string(next()), problem) ? Outcome{} : failure();
  }

 private:
  std::string next() {
    std::string text = seed_;
    {
      const std::lock_guard guard(mutex_);
      text += std::to_string(count_++);
    }
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return base64_url({digest.data(), 15});
  }

  std::string target_;
  std::string seed_;
  std::mutex mutex_;
  std::uint64_t count_ = 0;
};

// "100/s": the number, and the seconds of the unit.
bool parse_limit(const std::string& text, double& number, double& seconds) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || slash + 2 != text.size()) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + slash, number);
  if (error != std::errc() || end != text.data() + slash || !std::isfinite(number) || number < 0) return false;
  switch (text.back()) {
    case 's':
      seconds = 1;
      return true;
    case 'm':
      seconds = 60;
      return true;
    case 'h':
      seconds = 3600;
      return true;
    default:
      return false;
  }
}

}  // namespace

std::unique_ptr<Processor> make_rate_limit(ProcessorOptions& options) {
  const std::string limit = options.required_text("limit");
  std::vector<std::string> fields;
  options.reader.read("fields", fields);
  double burst = 1;
  if (const Setting* algorithm = options.reader.raw("algorithm")) {
    SettingReader chosen(algorithm, options.key() + ".algorithm", options.diagnostics());
    SettingReader bucket(chosen.raw("token_bucket"), options.key() + ".algorithm.token_bucket", options.diagnostics());
    bucket.read("burst_multiplier", burst);
    bucket.known("gc");
    bucket.warn_unknown();
    if (!algorithm->is_map() || algorithm->map().size() != 1 || algorithm->member("token_bucket") == nullptr) {
      options.diagnostics().error(*algorithm, options.key() + ".algorithm",
                                  "rate limiting algorithm not known; write token_bucket");
    }
  }
  double number = 0;
  double seconds = 1;
  if (!limit.empty() && !parse_limit(limit, number, seconds)) {
    options.diagnostics().error(*options.reader.raw("limit"), options.reader.key("limit"),
                                "'" + limit + "' is no rate; write a number and a unit, such as 100/s, 100/m or 100/h");
  }
  std::sort(fields.begin(), fields.end());
  return std::make_unique<RateLimit>(number / seconds, number * burst, std::move(fields));
}

std::unique_ptr<Processor> make_add_id(ProcessorOptions& options) {
  std::string target = "@metadata._id";
  int type = 0;
  options.reader.read("target_field", target);
  options.reader.read_choice("type", {"elasticsearch"}, type);
  return std::make_unique<AddId>(std::move(target), options.key() + "\n");
}

}  // namespace spanbeat
