// add_host_metadata, add_observer_metadata and add_locale: what is known of the machine, into documents.
#include <re2/re2.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"
#include "export/processors/host_info.h"

namespace spanbeat {
namespace {

using Clock = std::chrono::steady_clock;

struct MetadataSettings {
  bool addresses = true;  // netinfo.enabled
  std::int64_t ttl = 300 * kSecond;
  std::string name;  // replaces the one that is there
  Value geo = Value::of_object();
};

// An object that is made anew when it is older than the settings say.
class CachedMetadata {
 public:
  explicit CachedMetadata(MetadataSettings settings) : settings_(std::move(settings)) {}

  template <typename Make>
  std::shared_ptr<const Value> get(Make make) {
    const std::lock_guard guard(mutex_);
    const auto now = Clock::now();
    if (data_ == nullptr || now - made_ >= std::chrono::nanoseconds(settings_.ttl)) {
      Value data = make(settings_);
      if (settings_.addresses) data.merge(host_addresses());
      if (!settings_.geo.object().empty()) data.make("geo") = settings_.geo;
      data_ = std::make_shared<const Value>(std::move(data));
      made_ = now;
    }
    return data_;
  }
  [[nodiscard]] const MetadataSettings& settings() const { return settings_; }

 private:
  MetadataSettings settings_;
  std::mutex mutex_;
  Clock::time_point made_;
  std::shared_ptr<const Value> data_;
};

// netinfo.enabled, cache.ttl, geo, name, replace_fields (false: only where `host` holds nothing but a name).
class AddHostMetadata final : public Processor {
 public:
  AddHostMetadata(MetadataSettings settings, bool replace_fields)
      : cache_(std::move(settings)), replace_fields_(replace_fields) {}

  void begin(const ProcessorEnvironment& environment) override { fallback_name_ = environment.host_name; }
  Outcome run(Value& document) override {
    Value* host = document.member("host");
    if (!replace_fields_ && host != nullptr && host->is_object() &&
        !(host->object().size() == 1 && host->object()[0].name == "name")) {
      return {};
    }
    const auto data = cache_.get([](const MetadataSettings&) { return host_info(); });
    if (host == nullptr || !host->is_object()) {
      host = &document.make("host");
      *host = Value::of_object();
    }
    host->merge(*data);
    // The program's own name for the machine stays, unless this processor was given one.
    const MetadataSettings& settings = cache_.settings();
    if (!settings.name.empty()) {
      host->make("name") = Value::of_string(settings.name);
    } else if (host->member("name") == nullptr && !fallback_name_.empty()) {
      host->append_member("name", Value::of_string(fallback_name_));
    }
    return {};
  }

 private:
  CachedMetadata cache_;
  bool replace_fields_;
  std::string fallback_name_;  // where there is none
};

// netinfo.enabled, cache.ttl, geo, overwrite (false: only where `observer` is missing).
class AddObserverMetadata final : public Processor {
 public:
  AddObserverMetadata(MetadataSettings settings, bool overwrite) : cache_(std::move(settings)), overwrite_(overwrite) {}

  Outcome run(Value& document) override {
    if (!overwrite_ && document.member("observer") != nullptr) return {};
    document.make("observer") = *cache_.get([](const MetadataSettings&) {
      const Value info = host_info();
      Value observer = Value::of_object();
      if (const Value* name = info.member("hostname")) observer.append_member("hostname", *name);
      return observer;
    });
    return {};
  }

 private:
  CachedMetadata cache_;
  bool overwrite_;
};

// format (offset | abbreviation): the machine's time zone as event.timezone.
class AddLocale final : public Processor {
 public:
  explicit AddLocale(bool abbreviation) : abbreviation_(abbreviation) {}

  Outcome run(Value& document) override {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    if (localtime_r(&now, &parts) == nullptr) return failure();
    std::string zone = parts.tm_zone;
    if (!abbreviation_) {
      const long minutes = std::labs(parts.tm_gmtoff) / 60;
      const auto two = [](long number) { return (number < 10 ? "0" : "") + std::to_string(number); };
      zone = (parts.tm_gmtoff < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60);
    }
    std::string problem;
    return put_field(document, "event.timezone", Value::of_string(std::move(zone)), problem) ? Outcome{} : failure();
  }

 private:
  bool abbreviation_;
};

void read_metadata_settings(ProcessorOptions& options, MetadataSettings& settings) {
  options.reader.read("netinfo.enabled", settings.addresses);
  options.reader.read_duration("cache.ttl", settings.ttl);
  SettingReader geo(options.reader.raw("geo"), options.key() + ".geo", options.diagnostics());
  for (const char* name :
       {"name", "location", "continent_name", "country_iso_code", "region_name", "region_iso_code", "city_name"}) {
    std::string text;
    geo.read(name, text);
    if (text.find_first_not_of(" \t\n") != std::string::npos) settings.geo.append_member(name, Value::of_string(text));
  }
  geo.warn_unknown();
  const Value* location = settings.geo.member("location");
  if (location != nullptr && !RE2::FullMatch(location->string(), R"(\s*-?\d+(\.\d+)?\s*,\s*-?\d+(\.\d+)?\s*)")) {
    options.diagnostics().error(*options.reader.raw("geo.location"), options.reader.key("geo.location"),
                                "invalid lat,lon string; write two numbers such as 40.7,-74.0");
  }
}

}  // namespace

std::unique_ptr<Processor> make_add_host_metadata(ProcessorOptions& options) {
  MetadataSettings settings;
  bool replace_fields = true;
  read_metadata_settings(options, settings);
  options.reader.read("name", settings.name);
  options.reader.read("replace_fields", replace_fields);
  return std::make_unique<AddHostMetadata>(std::move(settings), replace_fields);
}

std::unique_ptr<Processor> make_add_observer_metadata(ProcessorOptions& options) {
  MetadataSettings settings;
  bool overwrite = false;
  read_metadata_settings(options, settings);
  options.reader.read("overwrite", overwrite);
  return std::make_unique<AddObserverMetadata>(std::move(settings), overwrite);
}

std::unique_ptr<Processor> make_add_locale(ProcessorOptions& options) {
  int format = 0;
  options.reader.read_choice("format", {"offset", "abbreviation"}, format);
  return std::make_unique<AddLocale>(format == 1);
}

}  // namespace spanbeat
